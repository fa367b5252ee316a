import { join } from "node:path";
import { expect, it } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { projectDirectory } from "../../local/environment.ts";

const EACH_TEN_MINUTES = ["*/10 * * * *"];

// What is deployed without an environment is nobody's, and has nothing to do.
it.each([
  [undefined, undefined],
  ["staging", EACH_TEN_MINUTES],
  ["production", EACH_TEN_MINUTES],
])("in %s wrangler.toml has the schedule run at %s", (env, crons) => {
  const { triggers } = readConfig({ config: join(projectDirectory, "wrangler.toml"), env }, { hideWarnings: true });
  expect(triggers.crons).toEqual(crons);
});
