import { join } from "node:path";
import { expect, it } from "vitest";
import { unstable_readConfig as readConfig } from "wrangler";
import { projectDirectory } from "../../local/environment.ts";

it.each([undefined, "staging", "production"])("wrangler.toml has the schedule run in %s", (env) => {
  const { triggers } = readConfig({ config: join(projectDirectory, "wrangler.toml"), env }, { hideWarnings: true });
  expect(triggers).toEqual({ crons: ["*/10 * * * *"] });
});
