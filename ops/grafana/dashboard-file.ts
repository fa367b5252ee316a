import { buildDashboard, type DashboardDeclaration } from "./panels.ts";

/** A dashboard's file in ops/grafana: its name, and its JSON as Grafana imports it. */
export function dashboardFile(dashboard: DashboardDeclaration): { readonly name: string; readonly text: string } {
  return { name: `${dashboard.name}.json`, text: `${JSON.stringify(buildDashboard(dashboard), null, 2)}\n` };
}
