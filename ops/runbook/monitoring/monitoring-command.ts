import { AcceptedChecks } from "../accepted-checks.ts";
import { defineCommand } from "../command.ts";
import { checkCommonValues, type RunbookContext, readContextToAsk } from "../context.ts";
import { checkCronTriggers } from "../release/cron-triggers.ts";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import { readMetricsText } from "../watch/metrics-text.ts";
import { checkAlertRules, checkDashboardQueries } from "./prometheus.ts";
import { sendTestEvent } from "./sentry.ts";
import { seeLineInTail } from "./tail.ts";

/** What must be among the metrics of any deployment that is used. */
const EXPECTED = ["http_requests_total", "http_request_duration_seconds_bucket", "database_up"];

const checks: Readonly<Record<string, (context: RunbookContext) => Promise<string>>> = {
  metrics: checkMetrics,
  "dashboard queries": ({ settings }) => checkDashboardQueries(settings.need("PROMETHEUS_URL")),
  "alert rules": ({ settings }) => checkAlertRules(settings.need("PROMETHEUS_URL")),
  Sentry: ({ settings, target }) => sendTestEvent(settings.need("SENTRY_DSN"), target.environment),
  "wrangler tail": seeLineInTail,
  "cron triggers": checkCronTriggers,
};

/** The names of the checks. */
export const monitoringChecks: readonly string[] = Object.keys(checks);

/** `monitoring`: is everything seen that is to be seen? */
export const monitoringCommand = defineCommand({
  summary:
    "metrics, dashboard queries, alert rules, a test event at Sentry, a line seen in wrangler tail, cron triggers",
  usage: [
    '--accept "<check>=<reason>"  a check that may fail, and why',
    "PROMETHEUS_URL               where Prometheus is",
  ],
  options: { accept: { type: "string", multiple: true } },
  check(values) {
    checkCommonValues(values);
    AcceptedChecks.read(values.accept, monitoringChecks);
  },
  async run(values, procedure) {
    const context = await readContextToAsk(values);
    const accepted = AcceptedChecks.read(values.accept, monitoringChecks);
    const failed: string[] = [];
    for (const [name, check] of Object.entries(checks)) {
      if (procedure.isDryRun) {
        procedure.record(name, "would do", "check it");
        continue;
      }
      const { status } = await procedure.check(name, async () => {
        try {
          return { status: "done" as const, evidence: await check(context) };
        } catch (error) {
          const reason = accepted.reasonFor(name);
          if (reason === undefined) return { status: "failed" as const, evidence: reasonOf(error) };
          return { status: "accepted" as const, evidence: `${reason}: ${reasonOf(error)}` };
        }
      });
      if (status === "failed") failed.push(name);
    }
    if (failed.length > 0) throw new RunbookError(`${failed.length} checks failed: ${failed.join(", ")}`);
    return { checks: monitoringChecks };
  },
});

async function checkMetrics({ deployment, settings }: RunbookContext): Promise<string> {
  const { status, text } = await deployment.send("/metrics", { token: settings.need("METRICS_TOKEN") });
  if (status !== 200) throw new RunbookError(`/metrics answered ${status}`);
  const samples = readMetricsText(text) ?? [];
  const names = new Set(samples.map(({ name }) => name));
  const missing = EXPECTED.filter((name) => !names.has(name));
  if (missing.length > 0) throw new RunbookError(`missing: ${missing.join(", ")}`);
  return `${samples.length} samples of ${names.size} series`;
}
