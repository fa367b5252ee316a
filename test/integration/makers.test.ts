import { beforeEach, expect, it } from "vitest";
import { expectWholeLog } from "../support/change-log.ts";
import { answerOf, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person } from "../support/person.ts";

let person: Person;
/** An agent of the same person, with a token of its own. */
let agent: Person;
beforeEach(async () => {
  person = await Person.signUp();
  agent = await person.withScopes(["tasks:write", "tasks:read"]);
});

const read = (id: number) => person.runForTask("get_task", { task_id: id });

/** The name of the agent's token. */
async function nameOfAgent(): Promise<unknown> {
  return (await ownerQuery("select name from personal_tokens where user_id = $1", [person.id]))[0]?.name;
}

it("get_task and the export say who made a task and who changed it last, as its history does", async () => {
  const name = await nameOfAgent();
  const { id } = await person.runForTask("create_task", { title: "Paint" });
  expect(await read(id)).toMatchObject({ created_by: "http" });
  expect(await read(id)).not.toHaveProperty("changed_by");
  await statelessRequest(agent, "tools/call", { name: "update_task", arguments: { task_id: id, priority: "high" } });
  expect(await read(id)).toMatchObject({ created_by: "http", changed_by: `${name} (mcp)` });
  const exported = await (await person.send("/api/export")).json();
  expect(exported).toMatchObject({ tasks: [{ created_by: "http", changed_by: `${name} (mcp)` }] });
  const { result } = await answerOf(
    await statelessRequest(person, "tools/call", { name: "get_task", arguments: { task_id: id } }),
  );
  expect(JSON.stringify(result?.content)).toMatch(
    new RegExp(` · created \\S+ by \\\\"http\\\\" · updated \\S+ by \\\\"${name} \\(mcp\\)\\\\"`),
  );
});

it("claims, their renewals and what comes to nothing do not count; an undo and SQL do", async () => {
  const name = await nameOfAgent();
  const { id } = await person.runForTask("create_task", { title: "Paint" });
  const { change: claim } = await agent.run("update_task", { task_id: id, claim_minutes: 5 });
  await agent.run("update_task", { task_id: id, claim, claim_minutes: 50 });
  await agent.run("update_task", { task_id: id, claim, title: "Paint" });
  expect(await read(id)).not.toHaveProperty("changed_by");
  const { change } = await agent.run("update_task", { task_id: id, claim, title: "Paint it", release: true });
  expect(await read(id)).toMatchObject({ changed_by: `${name} (http)` });
  await person.run("update_task", { undo: change });
  expect(await read(id)).toMatchObject({ title: "Paint", created_by: "http", changed_by: "http" });
  await ownerQuery("update tasks set title = 'By hand', version = version + 1 where user_id = $1", [person.id]);
  expect((await read(id)).changed_by).toMatch(/^.+ \(sql\)$/);
  await expectWholeLog(person.id);
});

it("a task whose row was gone is again of who had made it, and changed by who has brought it back", async () => {
  const name = await nameOfAgent();
  const { id } = await agent.runForTask("create_task", { title: "Paint" });
  const { change } = await agent.run("delete_task", { task_id: id });
  await ownerQuery("delete from tasks where user_id = $1", [person.id]);
  await person.run("update_task", { undo: change });
  expect(await read(id)).toMatchObject({ created_by: `${name} (http)`, changed_by: "http" });
  await expectWholeLog(person.id);
});
