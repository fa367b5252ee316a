import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { projectDirectory } from "../../local/environment.ts";
import { startProgram } from "./monitoring-programs.ts";
import { freePort } from "./processes.ts";
import { startWebhookSink } from "./webhook-sink.ts";

/** Seconds that stand for a minute of the alert rules. */
const SECONDS_A_MINUTE = 4;

/** Where the links of alerts lead. */
export const RUNBOOK_URL = "https://runbook.example/troubleshooting";

const sampleSchema = z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) });
const rangeSchema = z.object({
  metric: z.record(z.string(), z.string()),
  values: z.array(z.tuple([z.number(), z.string()])),
});
const answerSchema = <Item extends z.ZodType>(item: Item) => z.object({ data: z.object({ result: z.array(item) }) });
const alertsSchema = z.object({
  data: z.object({ alerts: z.array(z.object({ labels: z.record(z.string(), z.string()), state: z.string() })) }),
});

/** Prometheus and Alertmanager as ops/ configures them, on this machine and in a hurry. */
export interface Monitoring {
  /** Runs a query of now: the value of each series, by its labels. */
  query(expression: string): Promise<{ labels: Record<string, string>; value: number }[]>;
  /** Runs a query over a time: how many values it has that are numbers. */
  countValues(expression: string, start: Date, end: Date): Promise<number>;
  /** The names of the alerts that fire. */
  firing(): Promise<Set<string>>;
  /** What came to PagerDuty and to Slack, as JSON. */
  readonly told: (receiver: "pagerduty" | "slack") => readonly unknown[];
  close(): Promise<void>;
}

/** Alertmanager as ops/ configures it, in a hurry. */
export interface Alertmanager {
  readonly url: string;
  /** What came to PagerDuty and to Slack, as JSON, in the order in which it came. */
  readonly told: (receiver: "pagerduty" | "slack") => readonly unknown[];
  /** The receivers in the order in which they were told. */
  readonly order: () => readonly string[];
  close(): Promise<void>;
}

/** Starts it; where it waits for 20 and 40 seconds it waits for 1 and 3. */
export async function startAlertmanager(directory: string): Promise<Alertmanager> {
  await mkdir(directory, { recursive: true });
  const sink = await startWebhookSink();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = (name: string) => join(directory, name);
  await writeFile(file("slack"), `${sink.url}/slack`);
  await writeFile(file("pagerduty"), "0123456789abcdef0123456789abcdef");
  await writeFile(
    file("alertmanager.yml"),
    await changed("ops/alertmanager/alertmanager.yml", [
      ["/etc/alertmanager/slack-url", file("slack")],
      ["/etc/alertmanager/pagerduty-key", file("pagerduty")],
      ["https://events.pagerduty.com/v2/enqueue", `${sink.url}/pagerduty`],
      ["group_wait: 20s", "group_wait: 1s"],
      ["group_wait: 40s", "group_wait: 3s"],
      ["group_interval: 1m", "group_interval: 2s"],
    ]),
  );
  const program = await startProgram(
    "prometheus-alertmanager",
    [
      `--config.file=${file("alertmanager.yml")}`,
      `--storage.path=${file("alertmanager")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
      "--log.level=error",
    ],
    url,
  );
  return {
    url,
    told: (receiver) => sink.received(`/${receiver}`),
    order: () => sink.order().map((path) => path.slice(1)),
    async close() {
      await program.close();
      await sink.close();
    },
  };
}

/** Starts both to scrape one address every second; a minute of the alert rules takes four seconds. */
export async function startMonitoring(directory: string, target: string, metricsToken: string): Promise<Monitoring> {
  const alertmanager = await startAlertmanager(directory);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = (name: string) => join(directory, name);
  await writeFile(file("token"), metricsToken);
  await writeFile(
    file("prometheus.yml"),
    await changed("ops/prometheus/prometheus.yml", [
      ["scrape_interval: 15s", "scrape_interval: 1s"],
      ["scrape_timeout: 10s", "scrape_timeout: 1s"],
      ["evaluation_interval: 15s", "evaluation_interval: 1s"],
      ["scheme: https", "scheme: http"],
      ["/etc/prometheus/mcp-task-server.token", file("token")],
      ["api.yourdomain.com", target],
      ["127.0.0.1:9093", new URL(alertmanager.url).host],
    ]),
  );
  const rules = await readFile(join(projectDirectory, "ops/prometheus/alerts.yml"), "utf8");
  await writeFile(
    file("alerts.yml"),
    rules.replaceAll(/(?<=\[|for: )(\d+)m\b/g, (_, minutes) => `${Number(minutes) * SECONDS_A_MINUTE}s`),
  );
  const prometheus = await startProgram(
    "prometheus",
    [
      `--config.file=${file("prometheus.yml")}`,
      `--storage.tsdb.path=${file("prometheus")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      // By default from version 3.0 on.
      "--enable-feature=expand-external-labels",
      "--log.level=error",
    ],
    url,
    { RUNBOOK_URL },
  );

  async function ask(path: string, parameters: Record<string, string> = {}): Promise<unknown> {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    if (!response.ok) throw new Error(`Prometheus answers ${response.status}: ${await response.text()}`);
    return response.json();
  }

  return {
    async query(expression) {
      const { data } = answerSchema(sampleSchema).parse(await ask("query", { query: expression }));
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async countValues(expression, start, end) {
      const range = { query: expression, start: start.toISOString(), end: end.toISOString(), step: "1" };
      const { data } = answerSchema(rangeSchema).parse(await ask("query_range", range));
      return data.result.flatMap(({ values }) => values).filter(([, value]) => value !== "NaN").length;
    },
    async firing() {
      const { data } = alertsSchema.parse(await ask("alerts"));
      return new Set(data.alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels.alertname ?? ""));
    },
    told: alertmanager.told,
    async close() {
      await prometheus.close();
      await alertmanager.close();
    },
  };
}

/** A file with some of its text replaced; each must be there. */
async function changed(path: string, changes: readonly (readonly [from: string, to: string])[]): Promise<string> {
  let text = await readFile(join(projectDirectory, path), "utf8");
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${path} no longer says ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}
