import { describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf, refusalOf } from "../support/person.ts";

const HOUR = 3_600_000;

describe("a moment", () => {
  it("comes back by the person's clock, however it was given", async () => {
    const person = await Person.signUp({ time_zone: "America/Bogota" });
    const shown = "2026-11-30T23:30:00-05:00";
    for (const due of [
      "2026-12-01T04:30:00Z",
      "2026-11-30T23:30:00-05:00",
      "2026-11-30T23:30:00",
      "2026-11-30T23:30",
    ]) {
      const task = await person.runForTask("create_task", { title: due, due });
      expect(task.due).toBe(shown);
      expect((await person.runForTask("get_task", { task_id: task.id })).due).toBe(shown);
      const [row] = await ownerQuery(
        "select due_at = '2026-12-01T04:30:00Z' as same from tasks where user_id = $1 and id = $2",
        [person.id, task.id],
      );
      expect(row).toEqual({ same: true });
      expect(task.created_at).toMatch(/-05:00$/);
    }
    const { id } = await person.runForTask("create_task", { title: "later" });
    const updated = await person.runForTask("update_task", {
      task_id: id,
      due: "2026-11-30T23:30:00",
      status: "completed",
    });
    expect(updated).toMatchObject({ due: shown, completed_at: expect.stringMatching(/-05:00$/) });
    const { tasks } = await person.run("list_tasks", {
      due_from: "2026-11-30T23:30:00",
      due_before: "2026-11-30T23:30:01",
    });
    expect(tasks.map(({ due }) => due)).toEqual([shown, shown, shown, shown]);
  });

  // RFC 5545 section 3.3.5: what a clock skips has the offset from before, what it shows twice is the first.
  it.each([
    ["skipped in New York", "America/New_York", "2027-03-14T02:30:00", "2027-03-14T03:30:00-04:00"],
    ["shown twice in New York", "America/New_York", "2026-11-01T01:30:00", "2026-11-01T01:30:00-04:00"],
    ["just after that", "America/New_York", "2026-11-01T02:00:00", "2026-11-01T02:00:00-05:00"],
    ["skipped in Berlin", "Europe/Berlin", "2027-03-28T02:30:00", "2027-03-28T03:30:00+02:00"],
    ["shown twice in Berlin", "Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"],
    ["skipped by half an hour on Lord Howe", "Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-04T02:45:00+11:00"],
    ["shown twice on Lord Howe", "Australia/Lord_Howe", "2027-04-04T01:45:00", "2027-04-04T01:45:00+11:00"],
    ["of the day that Samoa skipped", "Pacific/Apia", "2011-12-30T12:00:00", "2011-12-31T12:00:00+14:00"],
    ["where no clock changes", "Asia/Kathmandu", "2026-07-01T12:00:00", "2026-07-01T12:00:00+05:45"],
  ])("without an offset, %s", async (_, timeZone, due, shown) => {
    const person = await Person.signUp({ time_zone: timeZone });
    expect((await person.runForTask("create_task", { title: "by the clock", due })).due).toBe(shown);
  });

  it("are taken with a space in place of T, and in small letters, wherever one is taken", async () => {
    const person = await Person.signUp({ time_zone: "America/New_York" });
    for (const [written, meant] of [
      ["2026-11-30 17:00", "2026-11-30T17:00:00-05:00"],
      ["2026-11-30 17:00:00", "2026-11-30T17:00:00-05:00"],
      [" 2026-11-30 17:00:00.25+01:00 ", "2026-11-30T11:00:00.250-05:00"],
      ["2026-11-30t17:00z", "2026-11-30T12:00:00-05:00"],
      ["2026-11-30 17:00Z", "2026-11-30T12:00:00-05:00"],
    ]) {
      const made = await person.runForTask("create_task", { title: "To the minute", due: written, scheduled: written });
      expect(made).toMatchObject({ due: meant, scheduled: meant });
      const { id } = await person.runForTask("create_task", { title: "Later" });
      expect(await person.runForTask("update_task", { task_id: id, due: written })).toMatchObject({ due: meant });
      await person.run("delete_task", { task_ids: [made.id, id] });
    }
    const recurring = { title: "Water", due: "2026-11-30 09:00", recurrence: "FREQ=DAILY;BYHOUR=9" };
    expect(await person.runForTask("create_task", recurring)).toMatchObject({ due: "2026-11-30T09:00:00-05:00" });
    const within = { due_from: "2026-11-30 09:00", due_before: "2026-11-30 09:01" };
    expect((await person.run("list_tasks", within)).tasks).toMatchObject([{ title: "Water" }]);
    const empty = await person.call("list_tasks", { due_from: "2026-11-30 09:00", due_before: "2026-11-30 09:00" });
    expect((await problemOf(empty)).detail).toBe("due_before must be later than due_from");
  });

  it.each(["tomorrow", "Friday 17:00", "morgen"])("is not %s, which is to be reckoned from now", async (due) => {
    const person = await Person.signUp();
    const message = expect.stringMatching(
      / 9999\. A word such as tomorrow is not a date: .* time, which list_tasks tells$/,
    );
    expect(await refusalOf(await person.call("create_task", { title: "never", due }))).toEqual([
      { field: "due", message },
    ]);
  });

  it.each(["9999-12-31T23:59:59", "1900-01-01T00:00:00", "2026-11-30T17", "2026-11-30T17:00:00 Europe/Berlin"])(
    "is not %s",
    async (due) => {
      const person = await Person.signUp();
      const response = await person.call("create_task", { title: "never", due });
      expect(response.status).toBe(400);
      expect((await problemOf(response)).errors).toEqual([
        { field: "due", message: expect.stringContaining("must be a date such as 2026-11-30 or a date-time") },
      ]);
    },
  );
});

describe("what is overdue", () => {
  it.each(["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])(
    "is a moment that has passed, or a whole day, in %s",
    async (timeZone) => {
      const person = await Person.signUp({ time_zone: timeZone });
      const { now = "", time_zone } = await person.run("list_tasks");
      expect(time_zone).toBe(timeZone);
      expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(HOUR);
      const today = now.slice(0, 10);
      const dayFrom = (days: number) => new Date(Date.parse(today) + days * 24 * HOUR).toISOString().slice(0, 10);
      const momentFrom = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();
      const dues = {
        "the day before": dayFrom(-1),
        today,
        tomorrow: dayFrom(1),
        "an hour ago": momentFrom(-1),
        later: momentFrom(1),
      };
      for (const [title, due] of Object.entries(dues)) await person.run("create_task", { title, due });
      await person.run("create_task", { title: "whenever" });
      await person.run("create_task", { title: "done", due: dayFrom(-1), status: "completed" });

      await person.run("create_task", { title: "started", due: momentFrom(-1), status: "in_progress" });

      const { tasks } = await person.run("list_tasks", { status: "overdue", order: "created" });
      expect(tasks.map(({ title }) => title)).toEqual(["started", "an hour ago", "the day before"]);
      expect((await person.run("list_tasks", { status: "overdue", due_before: dayFrom(-5) })).tasks).toEqual([]);
    },
  );
});
