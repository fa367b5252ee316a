import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dashboardFile } from "./dashboard-file.ts";
import { dashboards } from "./dashboards.ts";

// `npm run dashboards` writes the JSON that Grafana imports; a test sees to it that it is checked in as written.

for (const dashboard of dashboards) {
  const { name, text } = dashboardFile(dashboard);
  await writeFile(join(import.meta.dirname, name), text);
  console.log(`ops/grafana/${name}`);
}
