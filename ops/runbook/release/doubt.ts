import { reasonOf } from "../runbook-error.ts";

/** Does what has to be tried after the traffic has moved, whatever else failed. @returns why it failed, if it did */
export async function doubtOf(what: string, work: () => Promise<unknown>): Promise<readonly string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    return [`${what}: ${reasonOf(error)}`];
  }
}
