import type { AcceptedChecks } from "../accepted-checks.ts";
import type { Deployment } from "../deployment.ts";
import type { CheckFinding } from "../procedure.ts";
import { reasonOf } from "../runbook-error.ts";
import { SmokeAccount } from "./account.ts";
import { checkSessions, checkStateless } from "./mcp-checks.ts";
import { checkOAuth } from "./oauth-checks.ts";
import {
  checkChat,
  checkIsolation,
  checkSignIn,
  checkSignOut,
  checkToolList,
  completeTask,
  createTask,
  deleteTask,
  listTasks,
  updateTask,
} from "./task-checks.ts";

/** How one check went; `accepted` is one that failed and may. */
export interface SmokeResult extends CheckFinding {
  readonly check: string;
  readonly status: "done" | "failed" | "accepted";
}

/** Has a check made, and tells of it. */
type CheckTeller = (check: string, make: () => Promise<SmokeResult>) => Promise<SmokeResult>;

/** The checks, in the order they are run. */
export const smokeChecks = [
  "health",
  "sign up",
  "sign in",
  "six tools",
  "create task",
  "list tasks",
  "mark complete",
  "update task",
  "user isolation",
  "MCP with sessions",
  "MCP without sessions",
  "OAuth",
  "chat",
  "delete task",
  "sign out",
  "cleaned up",
] as const;

/** The name of a check. */
type SmokeCheck = (typeof smokeChecks)[number];

/** The checks that may be let fail for a reason: without accounts there is nothing that could be tried. */
export const acceptableSmokeChecks: readonly SmokeCheck[] = smokeChecks.filter((check) => check !== "sign up");

/**
 * Tries everything that people do with a deployment, on two throw-away accounts that are deleted after.
 *
 * @param accepted checks that may fail, and why
 * @param tell has each check made in its turn
 * @returns every check; one that could not be run has failed, and is not accepted
 */
export async function runSmoke(
  deployment: Deployment,
  accepted: AcceptedChecks,
  tell: CheckTeller,
): Promise<readonly SmokeResult[]> {
  const results: SmokeResult[] = [];
  const report = async (name: SmokeCheck, make: () => Promise<SmokeResult>): Promise<void> => {
    results.push(await tell(name, make));
  };
  const check = (name: SmokeCheck, work: () => Promise<string>): Promise<void> =>
    report(name, async () => {
      try {
        return { check: name, status: "done", evidence: await work() };
      } catch (error) {
        const reason = accepted.reasonFor(name);
        const failure = reasonOf(error);
        if (reason === undefined) return { check: name, status: "failed", evidence: failure };
        return { check: name, status: "accepted", evidence: `${reason}: ${failure}` };
      }
    });

  await check("health", async () => {
    const { version } = await deployment.health();
    return `healthy, version ${version || "local"}`;
  });
  const accounts: SmokeAccount[] = [];
  await check("sign up", async () => {
    for (const _ of [1, 2]) accounts.push(await SmokeAccount.signUp(deployment));
    return "two throw-away accounts are made";
  });
  const [person, stranger] = accounts;
  if (person !== undefined && stranger !== undefined) {
    await checkAs(person, stranger, check);
  } else {
    const known = new Set<string>(["cleaned up", ...results.map((result) => result.check)]);
    for (const name of smokeChecks.filter((name) => !known.has(name))) {
      const evidence = "could not be run, as there are no accounts";
      await report(name, async () => ({ check: name, status: "failed", evidence }));
    }
  }
  await check("cleaned up", async () => {
    for (const account of accounts) await account.remove();
    return `${accounts.length} throw-away accounts are deleted`;
  });
  return results;
}

/** Every check that failed with what was seen, which is said once where several failed of the same. */
export function describeFailed(results: readonly SmokeResult[]): string {
  const failed = Map.groupBy(
    results.filter(({ status }) => status === "failed"),
    ({ evidence }) => evidence,
  );
  return Array.from(failed, ([seen, of]) => `${of.map(({ check }) => check).join(", ")} (${seen})`).join("; ");
}

async function checkAs(
  person: SmokeAccount,
  stranger: SmokeAccount,
  check: (name: SmokeCheck, work: () => Promise<string>) => Promise<void>,
): Promise<void> {
  await check("sign in", () => checkSignIn(person));
  await check("six tools", () => checkToolList(person.deployment));
  let id = 0;
  await check("create task", async () => {
    const created = await createTask(person);
    id = created.id;
    return created.evidence;
  });
  await check("list tasks", () => listTasks(person, id));
  await check("mark complete", () => completeTask(person, id));
  await check("update task", () => updateTask(person, id));
  await check("user isolation", () => checkIsolation(person, stranger, id));
  await check("MCP with sessions", () => checkSessions(person));
  await check("MCP without sessions", () => checkStateless(person));
  await check("OAuth", () => checkOAuth(person.deployment));
  await check("chat", () => checkChat(person));
  await check("delete task", () => deleteTask(person, id));
  await check("sign out", () => checkSignOut(person));
}
