import { describe, expect, it } from "vitest";
import { chat, makeTasks, questionOf, titlesOf } from "../support/chatting.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { calls, Script, says } from "../support/scripted-model.ts";

const createSix = calls(
  ...Array.from({ length: 6 }, (_, index) => ["create_task", { title: `Task ${index}` }] as const),
);

describe("an answer to a question", () => {
  it("that was taken and not heard of is taken again, as long as the message has not gone on", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([calls(["delete_task", { task_id: id }]), says("Deleted.")]);
    const asking = await chat(person, { message: `Delete eggs ${script.mark}` });
    const { conversation_id } = asking;
    const approval = { id: questionOf(asking).id, approved: true };
    await ownerQuery("update approvals set answered_at = now(), approved = true where user_id = $1", [person.id]);

    expect((await chat(person, { conversation_id, approval })).response).toBe("Deleted.");
    expect(await titlesOf(person)).toEqual([]);
    const again = await person.send("/chat", { method: "POST", body: { conversation_id, approval } });
    expect(again.status).toBe(409);
  });

  it("is not turned into another", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([calls(["delete_task", { task_id: id }]), says("Deleted.")]);
    const asking = await chat(person, { message: `Delete eggs ${script.mark}` });
    const { conversation_id } = asking;
    await ownerQuery("update approvals set answered_at = now(), approved = false where user_id = $1", [person.id]);
    const approval = { id: questionOf(asking).id, approved: true };
    const response = await person.send("/chat", { method: "POST", body: { conversation_id, approval } });

    expect(response.status).toBe(409);
    expect(await titlesOf(person)).toEqual(["Eggs"]);
  });

  it("does nothing again while other questions of the message wait", async () => {
    const person = await Person.signUp();
    const script = await Script.write([createSix, says("Done.")]);
    const asking = await chat(person, { message: `Six ${script.mark}` });
    const { conversation_id, approval_required: questions = [] } = asking;
    const [first, ...others] = questions.map(({ id }) => ({ id, approved: true }));
    await chat(person, { conversation_id, approval: first });
    const again = await person.send("/chat", { method: "POST", body: { conversation_id, approval: first } });

    expect(again.status).toBe(409);
    expect((await problemOf(again)).detail).toContain("answered already");
    expect(await titlesOf(person)).toEqual(["Task 0"]);
    // Beside those that are answered for the first time it is passed over.
    const last = await chat(person, { conversation_id, approval: [first, ...others] });
    expect(last.tool_calls).toHaveLength(5);
    expect(await titlesOf(person)).toHaveLength(6);
  });

  it("does nothing again where the message has asked something else since", async () => {
    const person = await Person.signUp();
    const [id] = await makeTasks(person, "Eggs");
    const script = await Script.write([createSix, calls(["delete_task", { task_id: id }]), says("Done.")]);
    const asking = await chat(person, { message: `Six ${script.mark}` });
    const { conversation_id } = asking;
    const yes = asking.approval_required?.map((question) => ({ id: question.id, approved: true }));
    const asksMore = await chat(person, { conversation_id, approval: yes });
    const again = await person.send("/chat", { method: "POST", body: { conversation_id, approval: yes } });

    expect(again.status).toBe(409);
    expect(await titlesOf(person)).toHaveLength(7);
    const approval = { id: questionOf(asksMore).id, approved: true };
    expect((await chat(person, { conversation_id, approval })).response).toBe("Done.");
    expect(await titlesOf(person)).toHaveLength(6);
  });
});
