import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { z } from "zod";
import { readConfiguration } from "../../src/config.ts";

/**
 * Gives the worker other variables than all tests have, its Durable Objects included.
 *
 * @returns what gives it back those that it had, as the files after this one run in the same worker
 * @example beforeAll(() => setVariables({ LOG_LEVEL: "debug" }));
 */
export async function setVariables(variables: Readonly<Record<string, string>>): Promise<() => void> {
  // What was read of them is kept, by the requests and by objects that are at work: so it is changed in place.
  const kept = [env, await environmentOfObjects()].map((environment) => {
    const configuration = readConfiguration(environment);
    return { configuration, before: { ...configuration } };
  });
  const before = { ...env };
  Object.assign(env, variables);
  const read = readConfiguration({ ...env });
  for (const { configuration } of kept) replace(configuration, read);
  return () => {
    replace(env, before);
    for (const { configuration, before } of kept) replace(configuration, before);
  };
}

/** All objects have one environment, and requests another; a variable that is set in either is in both. */
function environmentOfObjects(): Promise<object> {
  const stub = env.METRICS.get(env.METRICS.newUniqueId());
  return runInDurableObject(stub, (instance) => z.instanceof(Object).parse(Reflect.get(instance, "env")));
}

function replace(values: object, by: object): void {
  for (const name of Object.keys(values)) if (!(name in by)) Reflect.deleteProperty(values, name);
  Object.assign(values, by);
}
