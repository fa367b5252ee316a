/** The API tells the plan to nobody whose token cannot read the account's bills. */
export const workersPlan =
  "the operator has the Workers Paid plan: the free one ends a request after 10 ms of CPU, and to hash one password takes 200 or more, so nobody could sign up or in";

/** What of the checklist only a person can do, and where they find what they need for it. */
export const personSteps: Readonly<Record<string, string>> = {
  "Workers plan": workersPlan,
  "code reviewed": "a reviewer approves the change that is released",
  "database backup strategy":
    "the operator switches on ops/systemd/mcp-task-server-backup.timer (docs/disaster-recovery.md)",
  "firewall and ports":
    "nothing to open: Cloudflare serves 443 alone; the operator keeps the database's own access list",
  "on-call rotation": "the lead names who is on call, and puts the pager's key into ops/alertmanager/alertmanager.yml",
  "log aggregation": "the operator sets up Logpush to the aggregator (docs/monitoring.md)",
  "documentation read":
    "the operator has read docs/deployment.md, docs/configuration.md, docs/troubleshooting.md and docs/monitoring.md",
  "disaster recovery": "the operator has restored a backup within the last quarter (docs/disaster-recovery.md)",
};
