import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import { projectDirectory } from "../settings.ts";

const WITHIN_MILLISECONDS = 10_000;

const targetSchema = z.object({ expr: z.string() });
const panelSchema = z.object({ title: z.string().optional(), targets: z.array(z.looseObject({})).optional() });
const dashboardSchema = z.object({ title: z.string(), panels: z.array(panelSchema) });
const querySchema = z.object({ result: z.array(z.unknown()) });
const rulesSchema = z.object({ groups: z.array(z.object({ rules: z.array(z.object({ name: z.string() })) })) });
const configurationSchema = z.object({ yaml: z.string() });
// https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview
const answerSchema = z.discriminatedUnion("status", [
  z.object({ status: z.literal("success"), data: z.unknown() }),
  z.object({ status: z.literal("error"), error: z.string() }),
]);

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
        const { result } = await ask(prometheusUrl, `query?${new URLSearchParams({ query: expression })}`, querySchema);
        if (result.length === 0) empty.push(`${dashboard.title}: ${title}`);
      }
    }
  }
  if (empty.length > 0)
    throw new RunbookError(`${empty.length} of ${count} queries find nothing: ${empty.slice(0, 5).join("; ")}`);
  return `${count} queries of ${files.length} dashboards find data`;
}

/** Makes sure that Prometheus has loaded every alert of ops/prometheus/alerts.yml, with links that can be followed. */
export async function checkAlertRules(prometheusUrl: string): Promise<string> {
  const text = await readFile(join(projectDirectory, "ops/prometheus/alerts.yml"), "utf8");
  const expected = [...new Set([...text.matchAll(/^\s*- alert: (\w+)/gm)].map(([, name = ""]) => name))];
  const { groups } = await ask(prometheusUrl, "rules?type=alert", rulesSchema);
  const loaded = new Set(groups.flatMap(({ rules }) => rules.map(({ name }) => name)));
  const missing = expected.filter((name) => !loaded.has(name));
  if (missing.length > 0) throw new RunbookError(`not loaded: ${missing.join(", ")}`);
  const { yaml } = await ask(prometheusUrl, "status/config", configurationSchema);
  const [, link = ""] = /^\s*runbook_url: (\S+)$/m.exec(yaml) ?? [];
  if (!URL.canParse(link)) {
    throw new RunbookError(
      "the runbook of an alert is no link: start Prometheus with RUNBOOK_URL, and before 3.0 with --enable-feature=expand-external-labels",
    );
  }
  return `${expected.length} alerts are loaded, their runbook is ${link}`;
}

/** @param path below `/api/v1/`, which may itself be below a path of a proxy's */
async function ask<Data>(prometheusUrl: string, path: string, schema: z.ZodType<Data>): Promise<Data> {
  const url = `${prometheusUrl.replace(/\/+$/, "")}/api/v1/${path}`;
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(WITHIN_MILLISECONDS) });
    body = await response.json().catch(() => undefined);
  } catch (error) {
    throw new RunbookError(`Prometheus cannot be asked: ${reasonOf(error)}`, { cause: error });
  }
  const answer = answerSchema.safeParse(body).data;
  if (answer?.status === "error") throw new RunbookError(`Prometheus answered: ${answer.error}`);
  const data = schema.safeParse(answer?.data);
  if (!data.success)
    throw new RunbookError(`${new URL(url).origin} answered ${response.status}, and not as Prometheus does`);
  return data.data;
}
