import type { Scope } from "../../caller.ts";

/** What a person may let a client do: read their tasks alone, or change them too. */
export const accessChoices = ["write", "read"] as const;

export type AccessChoice = (typeof accessChoices)[number];

/** Asked for beside the tasks' scopes, so that a client may have refresh tokens (OpenID Connect Core, section 11). */
const OFFLINE_ACCESS = "offline_access";

/**
 * What a person can choose from, the most first: never more than the client asks for. One that names no scope of ours asks
 * for everything; one that asks to write only, as after a 403 that names this scope, reads as well.
 */
export function offeredChoices(asked: readonly string[]): readonly AccessChoice[] {
  return asked.includes("tasks:read") && !asked.includes("tasks:write") ? ["read"] : accessChoices;
}

/** The scopes that a choice gives a client which asks for these: read alone where it asks for no more. */
export function grantedScopes(choice: AccessChoice, asked: readonly string[]): (Scope | typeof OFFLINE_ACCESS)[] {
  const mayWrite = choice === "write" && offeredChoices(asked).includes("write");
  return [
    "tasks:read",
    ...(mayWrite ? (["tasks:write"] as const) : []),
    ...(asked.includes(OFFLINE_ACCESS) ? ([OFFLINE_ACCESS] as const) : []),
  ];
}
