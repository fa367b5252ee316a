/** What of the checklist only a person can do, and where he finds what he needs for it. */
export const personSteps: Readonly<Record<string, string>> = {
  "code reviewed": "a reviewer approves the change that is released",
  "database backup strategy":
    "the operator switches on ops/systemd/mcp-task-server-backup.timer (docs/disaster-recovery.md)",
  "firewall and ports":
    "nothing to open: Cloudflare serves 443 alone; the operator keeps the database's own access list",
  "on-call rotation": "the lead names who is on call, and puts the pager's key into ops/alertmanager/alertmanager.yml",
  "log aggregation": "the operator sets up Logpush to the aggregator (docs/monitoring.md)",
  "documentation read": "the operator has read docs/deployment.md, docs/troubleshooting.md and docs/monitoring.md",
  "disaster recovery": "the operator has restored a backup within the last quarter (docs/disaster-recovery.md)",
};
