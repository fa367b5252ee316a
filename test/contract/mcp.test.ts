import { expect, it } from "vitest";
import { answerOf, ClientSession, statelessRequest } from "../support/mcp.ts";
import { Person } from "../support/person.ts";

it("opens a session", async () => {
  const session = await ClientSession.open(await Person.signUp());
  console.log(JSON.stringify(session.initialized), session.id);
  console.log(JSON.stringify(await session.call("create_task", { title: "Buy milk" })));
  console.log(JSON.stringify(await session.call("list_tasks")));
  const r = await session.delete();
  expect(r.status).toBe(204);
});
it("stateless", async () => {
  const person = await Person.signUp();
  const r = await statelessRequest(person, "tools/call", { name: "create_task", arguments: { title: "x" } });
  console.log(r.status, JSON.stringify(await answerOf(r)));
  const d = await statelessRequest(person, "server/discover");
  console.log(d.status, JSON.stringify(await answerOf(d)));
});
