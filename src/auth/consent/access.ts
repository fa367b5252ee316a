import type { Scope } from "../../caller.ts";

/** What a person may let a client do: read their tasks alone, or change them too. */
export const accessChoices = ["write", "read"] as const;

export type AccessChoice = (typeof accessChoices)[number];

/**
 * What a person can choose from, the most first.
 *
 * @param asked the scopes that a client asks for: never more are offered
 */
export function offeredChoices(asked: readonly string[]): readonly AccessChoice[] {
  return asked.includes("tasks:write") ? accessChoices : ["read"];
}

/** The scopes that a choice gives a client which asks for these: to read alone where it asks for no more. */
export function grantedScopes(choice: AccessChoice, asked: readonly string[]): readonly Scope[] {
  return choice === "write" && asked.includes("tasks:write") ? ["tasks:read", "tasks:write"] : ["tasks:read"];
}
