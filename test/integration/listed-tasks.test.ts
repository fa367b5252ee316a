import { describe, expect, it } from "vitest";
import { textOfCall } from "../support/call-for-text.ts";
import { Person } from "../support/person.ts";

describe("what a list shows of a task", () => {
  it("is no more than it takes to choose by, with a mark where get_task has more", async () => {
    const other = await Person.signUp();
    const description = `First line.\n\n${"Second line, which goes on and on. ".repeat(280)}`.trim();
    const title = "A title that goes on for as long as a title may, ".repeat(5).slice(0, 199).trim();
    const long = await other.runForTask("create_task", { title, description, tags: ["a"], priority: "low" });
    await other.run("create_task", { title: "Short", description: "Two litres.\n" });
    const { tasks } = await other.run("list_tasks");

    expect(tasks).toEqual([
      {
        id: long.id,
        title: expect.stringMatching(/^A title that goes on .{40,120}…$/),
        status: "pending",
        priority: "low",
        tags: ["a"],
        version: 1,
        preview: expect.stringMatching(/^First line\. Second line, which goes on .{60,160}…$/),
        cut: true,
      },
      { id: expect.any(Number), title: "Short", status: "pending", version: 1, preview: "Two litres." },
    ]);
    expect(await other.runForTask("get_task", { task_id: long.id })).toMatchObject({ title, description });
  });

  it("has descriptions whole with detail, of 25 tasks at most, and in the text as in that of get_task", async () => {
    const other = await Person.signUp();
    const description = `# Plan\n\n${"One thing after the other. ".repeat(40)}`.trim();
    await other.run("create_task", { tasks: [{ title: "Long", description }, { title: "Bare" }] });
    const { tasks } = await other.run("list_tasks", { detail: true });
    expect(tasks).toMatchObject([{ title: "Long", description }, { title: "Bare" }]);
    for (const task of tasks) {
      for (const field of ["preview", "cut"]) expect(task).not.toHaveProperty(field);
    }
    expect(tasks[1]).not.toHaveProperty("description");
    const text = await textOfCall(other, "list_tasks", { detail: true });
    expect(text).toContain("> # Plan\n>");
    expect(text).toContain("One thing after the other.\n#2 ");
    expect(await other.run("list_tasks", { detail: false })).toMatchObject({ tasks: [{ cut: true }, {}] });

    const many = Array.from({ length: 25 }, (_, index) => ({ title: `No. ${index}`, description: "x".repeat(1_000) }));
    await other.run("create_task", { tasks: many });
    const first = await other.run("list_tasks", { detail: true, limit: 100, search: "No" });
    expect(first.tasks).toHaveLength(25);
    expect(first.tasks).toEqual(
      first.tasks.map((task) => ({ ...task, description: `${"x".repeat(400)}…`, cut: true })),
    );
    expect(first).not.toHaveProperty("next_cursor");
    const page = await other.run("list_tasks", { detail: true, limit: 100 });
    expect(page.tasks).toHaveLength(25);
    expect(await textOfCall(other, "list_tasks", { detail: true, limit: 100 })).toContain("There are more: cursor ");
    // How tasks are shown may change from page to page.
    expect((await other.run("list_tasks", { cursor: page.next_cursor })).tasks).toHaveLength(2);
  });

  it("has descriptions whole that have room together, an emoji counted as one character", async () => {
    const other = await Person.signUp();
    const long = { title: "Long", description: "🌱".repeat(6_000) };
    const { tasks: made } = await other.run("create_task", { tasks: [long, { title: "Short", description: "Two." }] });
    const named = { task_ids: made.map(({ id }) => id) };
    for (const [tool, input] of [
      ["list_tasks", { detail: true, order: "position" }],
      ["get_task", named],
      ["update_task", { ...named, priority: "high" }],
    ] as const) {
      const { tasks } = await other.run(tool, input);
      expect(tasks, tool).toMatchObject([long, { description: "Two." }]);
      expect(tasks[0], tool).not.toHaveProperty("cut");
    }
  });

  it("is 20 tasks at a time unless more are asked for", async () => {
    const other = await Person.signUp();
    await Promise.all(Array.from({ length: 21 }, () => other.run("create_task", { title: "one of many" })));

    expect((await other.run("list_tasks")).tasks).toHaveLength(20);
    expect((await other.run("list_tasks", { limit: 100 })).tasks).toHaveLength(21);
  });

  it.each([
    ["due", { created_at: undefined, updated_at: undefined }],
    ["created", { created_at: expect.any(String), updated_at: undefined }],
    ["updated", { created_at: undefined, updated_at: expect.any(String) }],
  ])("has the date that it is ordered by: %s", async (order, dates) => {
    const other = await Person.signUp();
    await other.run("create_task", { title: "Dated" });
    const { tasks } = await other.run("list_tasks", { order, limit: 1 });
    expect(tasks).toEqual([expect.objectContaining({ id: expect.any(Number) })]);
    for (const [field, value] of Object.entries(dates)) {
      if (value === undefined) expect(tasks[0]).not.toHaveProperty(field);
      else expect(tasks[0]).toHaveProperty(field, value);
    }
  });
});
