import { beforeAll, describe, expect, it } from "vitest";
import { Person, problemOf } from "../support/person.ts";

/** What is said of a cursor that no page of this list has come with. */
const NOT_OF_THIS_LIST =
  "must be the next_cursor of the page before, with the same filters and order; without it the list begins anew";

describe("a cursor", () => {
  let person: Person;
  beforeAll(async () => {
    person = await Person.signUp();
  });

  it.each([
    ["noise", "not a cursor"],
    ["JSON of something else", btoa('{"a":1}')],
    ["an order with no place", btoa('["due"]')],
    ["a place that is not one", btoa(`["due","'; drop table tasks; --",1]`)],
  ])("that is %s is refused", async (_, cursor) => {
    const response = await person.call("list_tasks", { cursor });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field: "cursor", message: NOT_OF_THIS_LIST }]);
  });

  it.each([
    ["created", [99_999_999_999]],
    ["created", [1.5]],
    ["updated", ["0000-01-01T00:00:00Z", 1]],
    ["updated", ["9999-12-31T23:59:59-12:00", 1]],
    ["updated", ["infinity", 1]],
    ["priority", [99_999_999_999, "2026-01-01T00:00:00Z", 1]],
    ["priority", [6, "2026-01-01T00:00:00Z", 1]],
    ["due", ["2026-01-01T00:00:00Z", -1]],
    ["position", ["1; drop table tasks", 1]],
    ["position", [1, 1.5]],
  ])("of the order %s that is made up as %j is refused", async (order, place) => {
    const response = await person.call("list_tasks", { order, cursor: btoa(JSON.stringify([order, ...place])) });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field: "cursor", message: NOT_OF_THIS_LIST }]);
  });
});

describe("a cursor that was made for some filters", () => {
  const asked = { status: "all", tags: ["home", "year end"], due_from: "2026-01-01", order: "due" };
  let owner: Person;
  let cursor: string;

  beforeAll(async () => {
    owner = await Person.signUp();
    for (const title of ["a", "b", "c"]) {
      await owner.run("create_task", { title, due: "2026-12-01", tags: ["home", "year end"] });
    }
    cursor = String((await owner.run("list_tasks", { ...asked, limit: 1 })).next_cursor);
  });

  it("goes on with them, however many tasks are asked for and in whatever order the tags are named", async () => {
    const same = { ...asked, tags: asked.tags.toReversed(), due_before: "" };
    const { tasks } = await owner.run("list_tasks", { ...same, cursor, limit: 5 });
    expect(tasks.map(({ title }) => title)).toEqual(["b", "c"]);
  });

  it.each([
    ["order", { order: "updated" }],
    ["status", { status: "open" }],
    ["tags", { tags: ["home"] }],
    ["due_from", { due_from: "2026-01-02" }],
    ["due_before", { due_before: "2027-01-01" }],
    ["priority", { priority: "low" }],
    ["search", { search: "b" }],
    ["due", { due: "overdue" }],
    ["any_tags", { any_tags: ["home"] }],
    ["completed_from", { completed_from: "2026-01-01" }],
    ["completed_before", { completed_before: "2027-01-01" }],
  ])("is refused with another %s", async (_, other) => {
    const response = await owner.call("list_tasks", { ...asked, ...other, cursor });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field: "cursor", message: NOT_OF_THIS_LIST }]);
  });

  it("is refused where another place stands in it", async () => {
    const [, signature] = cursor.split(".");
    const place = btoa('["infinity",1]').replaceAll("=", "");
    const response = await owner.call("list_tasks", { ...asked, cursor: `${place}.${signature}` });

    expect((await problemOf(response)).errors).toEqual([{ field: "cursor", message: NOT_OF_THIS_LIST }]);
  });
});
