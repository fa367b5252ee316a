import { expect, it, onTestFinished, vi } from "vitest";
import { ClientSession } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { PASSWORD, Person, problemOf } from "../support/person.ts";

const deleteMe = (person: Person, body: unknown) => person.send("/api/auth/me", { method: "DELETE", body });

it("deletes an account with everything in it, and ends its token", async () => {
  const person = await Person.signUp();
  const neighbour = await Person.signUp();
  await person.run("create_task", { title: "to go" });
  await neighbour.run("create_task", { title: "to stay" });

  const session = await ClientSession.open(person);

  expect((await deleteMe(person, { password: PASSWORD })).status).toBe(204);
  expect(await ownerQuery("select id from users where id = $1", [person.id])).toEqual([]);
  expect(await ownerQuery("select id from tasks where user_id = $1", [person.id])).toEqual([]);
  const refused = await person.send("/api/auth/me");
  expect(refused.status).toBe(401);
  expect((await problemOf(refused)).detail).toContain("it was signed out or cut off, or its account was deleted");
  const inSession = await session.post({ jsonrpc: "2.0", id: 7, method: "ping" });
  expect(inSession.status).toBe(401);
  expect((await problemOf(inSession)).detail).toContain("it was signed out or cut off, or its account was deleted");
  expect((await neighbour.run("list_tasks")).tasks).toHaveLength(1);
});

it("wants the password, and changes nothing without it", async () => {
  const person = await Person.signUp();

  const wrong = await deleteMe(person, { password: "wrong password" });
  expect(wrong.status).toBe(403);
  expect((await problemOf(wrong)).detail).toBe("The password is wrong.");
  expect((await problemOf(await deleteMe(person, {}))).detail).toBe("password is required");
  expect((await person.send("/api/auth/me")).status).toBe(200);
});

it("is not told as undone where its answer is lost, and nobody can look", async () => {
  const person = await Person.signUp();
  const send = globalThis.fetch;
  let isDone = false;
  onTestFinished(() => void vi.restoreAllMocks());
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const body = typeof init?.body === "string" ? init.body : "";
    if (isDone && body.includes("find_credentials")) return new Response("nobody there", { status: 502 });
    if (isDone || !body.includes("delete_account()")) return send(input, init);
    await (await send(input, init)).text();
    isDone = true;
    return new Response("nobody there", { status: 502 });
  });
  const answer = await deleteMe(person, { password: PASSWORD });

  expect(answer.status).toBe(503);
  expect(answer.headers.get("Retry-After")).toBeNull();
  expect((await problemOf(answer)).detail).toContain("the change may have been carried out");
  expect(await ownerQuery("select id from users where id = $1", [person.id])).toEqual([]);
});

it("cannot be done by the worker past the function", async () => {
  const [role] = await ownerQuery("select has_table_privilege('task_worker', 'users', 'delete') as may_delete");

  expect(role).toEqual({ may_delete: false });
});
