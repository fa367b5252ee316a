import { integer, text } from "drizzle-orm/pg-core";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { optionalField, setField } from "../../src/tasks/field.ts";
import {
  listFields,
  optionalInputs,
  pluck,
  readFields,
  tellFields,
  weighFields,
  writeFields,
} from "../../src/tasks/field-table.ts";
import { toTask } from "../../src/tasks/task.ts";
import { taskRowSchema } from "../../src/tasks/task-rows.ts";

const fields = {
  size: optionalField(integer("size"), z.int(), {
    input: z.int().min(1),
    create: "How large it is.",
    update: "Its new size.",
    line: (size) => `size ${size}`,
    list: { schema: z.int().optional(), weigh: () => 3 },
  }),
  colour: setField(text("colour").notNull().default("grey"), z.string(), {
    input: z.string(),
    create: "Its colour.",
    update: "Its new colour.",
    empty: "grey",
    line: (colour) => `${colour} colour`,
  }),
};

describe("a table of fields", () => {
  it("takes them, each with what the tool says of it", () => {
    const input = z.strictObject(optionalInputs(fields, "update"));
    expect(input.parse({ size: 2 })).toEqual({ size: 2 });
    expect(input.safeParse({ size: 0 }).success).toBe(false);
    expect(input.shape.colour.description).toBe("Its new colour.");
  });

  it("sets the columns of those that are given, and of those that are emptied", () => {
    expect(writeFields(fields, { size: 2 }, [])).toEqual({ size: 2 });
    expect(writeFields(fields, { colour: "red" }, ["size"])).toEqual({ size: null, colour: "red" });
    expect(writeFields(fields, {}, ["colour"])).toEqual({ colour: "grey" });
  });

  it("reads them from a row, without those that are not set", () => {
    expect(readFields(fields, { size: 2, colour: "red" }, "UTC")).toEqual({ size: 2, colour: "red" });
    expect(readFields(fields, { size: null, colour: "grey" }, "UTC")).toEqual({ colour: "grey" });
  });

  it("reads what was kept before there were those fields", () => {
    expect(z.object(pluck(fields, "kept")).parse({})).toEqual({ size: null, colour: "grey" });
    expect(z.object(pluck(fields, "kept")).safeParse({ size: "2" }).success).toBe(false);
  });

  it("tells and lists those that are not empty; not all are in a list", () => {
    expect(tellFields(fields, { colour: "red", size: 2 })).toEqual(["size 2", "red colour"]);
    expect(tellFields(fields, { colour: "grey" })).toEqual([]);
    expect(listFields(fields, { size: 2, colour: "red" })).toEqual({ size: 2 });
    expect(weighFields(fields, { size: 2, colour: "red" })).toBe(3);
    expect(weighFields(fields, {})).toBe(0);
  });
});

it("a task that the first release has kept is read, whatever fields came later, and what it does not know is left out", () => {
  const kept = {
    id: 7,
    title: "Buy milk",
    description: "",
    status: "pending",
    priority: "high",
    due_date: null,
    due_at: "2026-11-30T17:00:00+00:00",
    tags: ["home"],
    version: 2,
    created_at: "2026-11-27T12:00:00.123+00:00",
    updated_at: "2026-11-27T12:30:00+00:00",
    completed_at: null,
  };
  const task = {
    id: 7,
    title: "Buy milk",
    description: "",
    status: "pending",
    priority: "high",
    due: "2026-11-30T18:00:00+01:00",
    tags: ["home"],
    version: 2,
    created_at: "2026-11-27T13:00:00.123+01:00",
    updated_at: "2026-11-27T13:30:00+01:00",
  };
  expect(toTask(taskRowSchema.parse(kept), "Europe/Paris")).toEqual(task);
  expect(toTask(taskRowSchema.parse({ ...kept, later: 1 }), "Europe/Paris")).toEqual(task);
  expect(taskRowSchema.safeParse({ ...kept, title: undefined }).success).toBe(false);
});
