import { beforeEach, describe, expect, it } from "vitest";
import { textOfCall } from "../support/call-for-text.ts";
import { rowOf } from "../support/claims.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;
beforeEach(async () => {
  person = await Person.signUp();
});

describe("update_task of parts", () => {
  it("adds and takes off tags, whatever their case, and appends to descriptions", async () => {
    const task = { title: "Parts", tags: ["Zuhause", "Ärzte"], description: "First." };
    const { tasks: made } = await person.run("create_task", { tasks: [task, task] });
    const [one = 0, two = 0] = made.map(({ id }) => id);
    await person.run("update_task", { task_id: two, clear: ["description"] });
    const edit = { add_tags: ["ZUHAUSE", "new"], remove_tags: ["ärzte"], append: "Called." };
    const { tasks } = await person.run("update_task", { task_ids: [one, two], ...edit });
    expect(tasks.map(({ tags }) => tags)).toEqual([
      ["Zuhause", "new"],
      ["Zuhause", "new"],
    ]);
    expect(await rowOf(person, one)).toMatchObject({ description: "First.\nCalled.", version: 2 });
    expect(await rowOf(person, two)).toMatchObject({ description: "Called." });
    const text = await textOfCall(person, "update_task", { task_id: one, add_tags: ["x"], append: "y" });
    expect(text).toContain('added tags "x" · appended to description');
    const same = await person.run("update_task", { task_id: one, add_tags: ["NEW"], remove_tags: ["gone"] });
    expect(same).toMatchObject({ note: "It was so before; nothing was changed.", tasks: [{ version: 3 }] });
  });

  it("holds each task to its limits, one by one", async () => {
    const twenty = Array.from({ length: 20 }, (_, index) => `tag ${index}`);
    const { id: full } = await person.runForTask("create_task", { title: "Full", tags: twenty });
    const { id: long } = await person.runForTask("create_task", { title: "Long", description: "x".repeat(9_999) });
    const { id: room } = await person.runForTask("create_task", { title: "Room" });
    const tagged = await person.run("update_task", { task_ids: [full, room], add_tags: ["more"] });
    expect(tagged.tasks.map(({ id }) => id)).toEqual([room]);
    expect(tagged.failed).toEqual([
      { task_id: full, error: "invalid_input", message: "it would have more than 20 tags" },
    ]);
    const appended = await person.run("update_task", { task_ids: [long, room], append: "y" });
    expect(appended.failed).toEqual([
      { task_id: long, error: "invalid_input", message: "its description would be longer than 10,000 characters" },
    ]);
    const refusalOf = async (input: unknown) => (await problemOf(await person.call("update_task", input))).detail;
    expect(await refusalOf({ task_id: full, add_tags: ["more"] })).toBe(
      "add_tags do not fit: it would have more than 20 tags",
    );
    expect(await refusalOf({ task_id: long, append: "y" })).toBe(
      "append does not fit: its description would be longer than 10,000 characters",
    );
    const swapped = { task_ids: [full, room], add_tags: ["other"], remove_tags: ["TAG 3"] };
    expect((await person.run("update_task", swapped)).failed).toBeUndefined();
  });
});
