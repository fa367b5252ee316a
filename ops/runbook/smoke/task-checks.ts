import { z } from "zod";
import { type Deployment, parseJson } from "../deployment.ts";
import { RunbookError } from "../runbook-error.ts";
import type { SmokeAccount, SmokeTasks } from "./account.ts";
import { answered, expectThat } from "./answered.ts";

/** The six tools, in the order that `GET /mcp/tools` has them. */
export const TOOLS = ["create_task", "list_tasks", "get_task", "update_task", "complete_task", "delete_task"];

const toolsSchema = z.object({ tools: z.array(z.object({ name: z.string() })) });
const meSchema = z.object({ user: z.object({ id: z.int() }) });

/** Who is let in, and who is not. */
export async function checkSignIn(account: SmokeAccount): Promise<string> {
  const { deployment, email } = account;
  await account.signIn();
  const me = answered(await account.send("/api/auth/me"), "GET /api/auth/me", 200, meSchema);
  expectThat(me.user.id === account.id, `the token is user ${me.user.id}'s, and not ${account.id}'s`);
  const body = { email, password: "not the password" };
  answered(await deployment.send("/api/auth/signin", { body }), "a wrong password", 401, z.unknown());
  for (const token of [undefined, "not.a.token"]) {
    const answer = await deployment.send("/mcp/tools/list_tasks", { body: {}, ...(token !== undefined && { token }) });
    answered(answer, token === undefined ? "no token" : "a made-up token", 401, z.unknown());
  }
  return "the right password is let in; a wrong one, no token and a made-up one are refused with 401";
}

/** The tools, by name. */
export async function checkToolList(deployment: Deployment): Promise<string> {
  const { tools } = answered(await deployment.send("/mcp/tools"), "GET /mcp/tools", 200, toolsSchema);
  const names = tools.map(({ name }) => name);
  expectThat(names.join() === TOOLS.join(), `the tools are ${names.join(", ")}`);
  return `${names.length} tools: ${names.join(", ")}`;
}

export async function createTask(account: SmokeAccount): Promise<{ id: number; evidence: string }> {
  const { id, title } = only(await account.run("create_task", { title: "Smoke test", tags: ["smoke"] }));
  expectThat(title === "Smoke test", `the task is called ${title}`);
  return { id, evidence: `task ${id} was made` };
}

export async function listTasks(account: SmokeAccount, id: number): Promise<string> {
  const tasks = await account.run("list_tasks", {});
  expectThat(tasks.length === 1 && only(tasks).id === id, `the list has ${tasks.length} tasks`);
  return `exactly task ${id} is listed`;
}

export async function completeTask(account: SmokeAccount, id: number): Promise<string> {
  const { status } = only(await account.run("complete_task", { task_id: id }));
  expectThat(status === "completed", `the task is ${status}`);
  expectThat((await account.run("list_tasks", {})).length === 0, "a completed task is still listed as open");
  return `task ${id} is completed, and no longer listed as open`;
}

export async function updateTask(account: SmokeAccount, id: number): Promise<string> {
  await account.run("update_task", { task_id: id, title: "Smoke test, updated", status: "pending" });
  const { title, status } = only(await account.run("get_task", { task_id: id }));
  expectThat(title === "Smoke test, updated" && status === "pending", `the task is "${title}", ${status}`);
  return `task ${id} is found again as it was changed`;
}

export async function deleteTask(account: SmokeAccount, id: number): Promise<string> {
  await account.run("delete_task", { task_id: id });
  answered(await account.call("get_task", { task_id: id }), "getting a deleted task", 404, z.unknown());
  return `task ${id} is gone`;
}

/** Another user meets another's task as one that is not there, whatever they do to it. */
export async function checkIsolation(owner: SmokeAccount, stranger: SmokeAccount, id: number): Promise<string> {
  const before = JSON.stringify(await owner.run("get_task", { task_id: id }));
  const attempts: [string, Record<string, unknown>][] = [
    ["get_task", {}],
    ["update_task", { title: "taken over" }],
    ["complete_task", {}],
    ["delete_task", {}],
  ];
  for (const [tool, input] of attempts) {
    answered(await stranger.call(tool, { task_id: id, ...input }), `${tool} of another's task`, 404, z.unknown());
  }
  const seen = await stranger.run("list_tasks", { status: "all" });
  expectThat(seen.length === 0, `another user sees ${seen.length} tasks that are not theirs`);
  expectThat(JSON.stringify(await owner.run("get_task", { task_id: id })) === before, "the task was changed");
  return `user ${stranger.id} neither sees nor changes user ${owner.id}'s task ${id}`;
}

/** A chat turn takes as long as the model does: AGENT_TOTAL_TIMEOUT is 900 s at most. */
const CHAT_WITHIN_MILLISECONDS = 920_000;

/** What a person asks in the chat is answered. */
export async function checkChat(account: SmokeAccount): Promise<string> {
  const message = { user_id: account.id, message: "List my tasks" };
  const answer = await account.send("/chat", message, { within: CHAT_WITHIN_MILLISECONDS });
  const schema = z.object({ response: z.string().min(1), conversation_id: z.string() });
  const { response } = answered(answer, "POST /chat", 200, schema);
  return `the agent answered with ${response.length} characters`;
}

/** A token that was signed out no longer counts. */
export async function checkSignOut(account: SmokeAccount): Promise<string> {
  const { token } = account;
  const signOut = await account.deployment.send("/api/auth/signout", { token, body: {} });
  expectThat(signOut.status === 204, `sign-out: ${signOut.status}, ${JSON.stringify(parseJson(signOut.text))}`);
  answered(await account.send("/api/auth/me"), "a signed-out token", 401, z.unknown());
  await account.signIn();
  return "a signed-out token is refused at the next call";
}

function only(tasks: SmokeTasks): SmokeTasks[number] {
  const [task] = tasks;
  if (task === undefined || tasks.length > 1) throw new RunbookError(`${tasks.length} tasks in place of one`);
  return task;
}
