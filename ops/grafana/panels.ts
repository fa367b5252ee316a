import type * as cog from "@grafana/grafana-foundation-sdk/cog";
import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** A query in PromQL, and what its series are called. */
export type PanelQuery = readonly [expression: string, legend: string];

/** A panel: how something goes over time, or with `now` the number it is at. */
interface PanelDeclaration {
  readonly title: string;
  /** What to think of it, where the title does not say it. */
  readonly description?: string;
  /** A unit of Grafana: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/ */
  readonly unit: "reqps" | "ops" | "s" | "percentunit" | "short" | "bool_yes_no";
  readonly now?: true;
  readonly queries: readonly PanelQuery[];
}

/** A dashboard: rows of panels. */
export interface DashboardDeclaration {
  /** Its file is named after it, and its address in Grafana. */
  readonly name: string;
  readonly title: string;
  readonly rows: Readonly<Record<string, readonly PanelDeclaration[]>>;
}

const DATA_SOURCE = { type: "prometheus", uid: "$datasource" };
const COLUMNS = 24;
const PANEL = { width: 8, height: 8 };
const NUMBER = { width: 4, height: 4 };

/** Builds a dashboard as Grafana imports it; `$version` chooses among the deployed versions. */
export function buildDashboard({ name, title, rows }: DashboardDeclaration): Dashboard {
  const builder = new DashboardBuilder(`MCP Task Server / ${title}`)
    .uid(`mcp-task-server-${name}`)
    .tags(["mcp-task-server"])
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(
      new QueryVariableBuilder("version")
        .label("Version")
        .datasource(DATA_SOURCE)
        .query("label_values(http_requests_total, version)")
        .multi(true)
        .includeAll(true)
        .allValue(".*")
        .current({ selected: true, text: "All", value: "$__all" }),
    );
  for (const [rowTitle, panels] of Object.entries(rows)) {
    builder.withRow(new RowBuilder(rowTitle));
    for (const panel of panels) builder.withPanel(buildPanel(panel));
  }
  return builder.build();
}

function buildPanel({ title, description, unit, now, queries }: PanelDeclaration): cog.Builder<Panel> {
  const { width, height } = now ? NUMBER : PANEL;
  const panel = now ? new StatBuilder() : new TimeSeriesBuilder().fillOpacity(10);
  panel.title(title).unit(unit).datasource(DATA_SOURCE).span(Math.min(width, COLUMNS)).height(height);
  if (!now) panel.min(0);
  if (description !== undefined) panel.description(description);
  for (const [index, [expression, legend]] of queries.entries()) {
    const query = new DataqueryBuilder()
      .refId(String.fromCodePoint(65 + index))
      .expr(expression)
      .legendFormat(legend);
    panel.withTarget(now ? query.instant() : query.range());
  }
  return panel;
}
