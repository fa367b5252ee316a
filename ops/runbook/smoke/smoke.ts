import type { AcceptedChecks } from "../accepted-checks.ts";
import type { Deployment } from "../deployment.ts";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import { SmokeAccount } from "./account.ts";
import { checkSessions, checkStateless } from "./mcp-checks.ts";
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

/** How one check went. */
export interface SmokeResult {
  readonly check: string;
  readonly passed: boolean;
  readonly evidence: string;
}

/** The checks, in the order they are run. */
export const smokeChecks = [
  "health",
  "sign in",
  "six tools",
  "create task",
  "list tasks",
  "mark complete",
  "update task",
  "user isolation",
  "MCP with sessions",
  "MCP without sessions",
  "chat",
  "delete task",
  "sign out",
  "cleaned up",
] as const;

/** The name of a check. */
type SmokeCheck = (typeof smokeChecks)[number];

/**
 * Tries everything that people do with a deployment, on two throw-away accounts that are deleted after.
 *
 * @param accepted checks that may fail, and why
 * @param tell is told of each check as it is done
 * @returns every check; those after a sign-up that failed are missing
 */
export async function runSmoke(
  deployment: Deployment,
  accepted: AcceptedChecks,
  tell: (result: SmokeResult) => void,
): Promise<readonly SmokeResult[]> {
  const results: SmokeResult[] = [];
  const check = async (name: SmokeCheck, work: () => Promise<string>): Promise<void> => {
    const result = await work().then(
      (evidence) => ({ check: name, passed: true, evidence }),
      (error: unknown) => accepted.judge(name, reasonOf(error)),
    );
    results.push(result);
    tell(result);
  };

  await check("health", async () => {
    const { version } = await deployment.health();
    return `healthy, version ${version || "local"}`;
  });
  const accounts: SmokeAccount[] = [];
  try {
    for (const _ of [1, 2]) accounts.push(await SmokeAccount.signUp(deployment));
    const [person, stranger] = accounts;
    if (person === undefined || stranger === undefined) throw new RunbookError("there are no accounts");
    await checkAs(person, stranger, check);
  } catch (error) {
    await check("sign in", () => Promise.reject(error));
  }
  await check("cleaned up", async () => {
    for (const account of accounts) await account.remove();
    return `${accounts.length} throw-away accounts are deleted`;
  });
  return results;
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
  await check("chat", () => checkChat(person));
  await check("delete task", () => deleteTask(person, id));
  await check("sign out", () => checkSignOut(person));
}
