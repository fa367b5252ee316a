import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";
import worker from "../../src/worker.ts";

/**
 * Gives the worker of a test file other variables than all tests have: to its Durable Objects, and to the requests
 * that tests send. To be called before the first of them.
 */
export function setVariables(variables: Record<string, string>): void {
  // Objects are given what is imported here; of it the configuration has been read already, so requests get a copy.
  const requestEnvironment = { ...Object.assign(env, variables) };
  vi.spyOn(exports.default, "fetch").mockImplementation(async (input, init) => {
    const context = createExecutionContext();
    const response = await worker.fetch(new Request(input, init), requestEnvironment, context);
    void waitOnExecutionContext(context);
    return response;
  });
}
