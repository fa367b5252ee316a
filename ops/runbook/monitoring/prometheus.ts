import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import { projectDirectory } from "../settings.ts";

const WITHIN_MILLISECONDS = 10_000;

const targetSchema = z.object({ expr: z.string() });
const panelSchema = z.object({ title: z.string().optional(), targets: z.array(z.looseObject({})).optional() });
const dashboardSchema = z.object({ title: z.string(), panels: z.array(panelSchema) });
const querySchema = z.object({ status: z.literal("success"), data: z.object({ result: z.array(z.unknown()) }) });
const rulesSchema = z.object({
  data: z.object({ groups: z.array(z.object({ rules: z.array(z.object({ name: z.string() })) })) }),
});

/** Asks Prometheus each query of each dashboard. @throws RunbookError naming those without data */
export async function checkDashboardQueries(prometheusUrl: string): Promise<string> {
  const directory = join(projectDirectory, "ops/grafana");
  const files = (await readdir(directory)).filter((file) => file.endsWith(".json"));
  const empty: string[] = [];
  let count = 0;
  for (const file of files) {
    const dashboard = dashboardSchema.parse(JSON.parse(await readFile(join(directory, file), "utf8")));
    for (const { title = "?", targets = [] } of dashboard.panels) {
      for (const target of targets) {
        const query = targetSchema.safeParse(target);
        if (!query.success) continue;
        count += 1;
        // Grafana puts the interval in; a few minutes are as good here.
        const expression = query.data.expr
          .replace(/\$__rate_interval|\$__interval|\$__range/g, "5m")
          .replace(/\$\w+/g, ".*");
        const answer = querySchema.parse(
          await ask(prometheusUrl, `/api/v1/query?query=${encodeURIComponent(expression)}`),
        );
        if (answer.data.result.length === 0) empty.push(`${dashboard.title}: ${title}`);
      }
    }
  }
  if (empty.length > 0)
    throw new RunbookError(`${empty.length} of ${count} queries find nothing: ${empty.slice(0, 5).join("; ")}`);
  return `${count} queries of ${files.length} dashboards find data`;
}

/** Makes sure that Prometheus has loaded every alert of ops/prometheus/alerts.yml. */
export async function checkAlertRules(prometheusUrl: string): Promise<string> {
  const text = await readFile(join(projectDirectory, "ops/prometheus/alerts.yml"), "utf8");
  const expected = [...new Set([...text.matchAll(/^\s*- alert: (\w+)/gm)].map(([, name = ""]) => name))];
  const { data } = rulesSchema.parse(await ask(prometheusUrl, "/api/v1/rules?type=alert"));
  const loaded = new Set(data.groups.flatMap(({ rules }) => rules.map(({ name }) => name)));
  const missing = expected.filter((name) => !loaded.has(name));
  if (missing.length > 0) throw new RunbookError(`not loaded: ${missing.join(", ")}`);
  return `${expected.length} alerts are loaded`;
}

async function ask(prometheusUrl: string, path: string): Promise<unknown> {
  try {
    const response = await fetch(new URL(path, prometheusUrl), { signal: AbortSignal.timeout(WITHIN_MILLISECONDS) });
    return await response.json();
  } catch (error) {
    throw new RunbookError(`Prometheus cannot be asked: ${reasonOf(error)}`, { cause: error });
  }
}
