import { describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

const change = (person: Person, body: unknown) => person.send("/api/auth/me", { method: "PATCH", body });

const accountOf = async ({ id }: Person) => {
  const [row] = await ownerQuery("select email, name, time_zone from users where id = $1", [id]);
  return row;
};

describe("the profile", () => {
  it("changes by what the body names, and nothing else does", async () => {
    const person = await Person.signUp({ name: "Ada", time_zone: "UTC" });
    const neighbour = await Person.signUp({ name: "Grace" });
    const { email } = person.session.user;

    const renamed = await change(person, { name: " Ada Löwe " });
    expect(renamed.status).toBe(200);
    expect(await renamed.json()).toEqual({ user: { id: person.id, email, name: "Ada Löwe", time_zone: "UTC" } });
    const moved = await change(person, { time_zone: "Asia/Kolkata" });
    expect(await moved.json()).toEqual({ user: { id: person.id, email, name: "Ada Löwe", time_zone: "Asia/Kolkata" } });

    expect(await accountOf(person)).toEqual({ email, name: "Ada Löwe", time_zone: "Asia/Kolkata" });
    expect(await accountOf(neighbour)).toMatchObject({ name: "Grace", time_zone: "UTC" });
  });

  it("gives the person's clock another time zone at once, in every answer", async () => {
    const person = await Person.signUp({ time_zone: "UTC" });
    const { id, due } = await person.runForTask("create_task", { title: "Call", due: "2026-12-24T18:00:00" });
    expect(due).toBe("2026-12-24T18:00:00+00:00");
    await change(person, { time_zone: "America/New_York" });

    expect(await person.runForTask("get_task", { task_id: id })).toHaveProperty("due", "2026-12-24T13:00:00-05:00");
  });

  it.each([
    [{}, "", "must name what is to change: name or time_zone"],
    [{ name: " " }, "name", "must be 1 to 100 characters long"],
    [{ name: "x".repeat(101) }, "name", "must be 1 to 100 characters long"],
    [{ name: "Ada\nLöwe" }, "name", "must be one line without control characters"],
    [{ name: null }, "name", "must be a string"],
    [{ time_zone: "Mars/Olympus" }, "time_zone", "must be an IANA time zone such as Europe/Berlin"],
    [{ name: "Eve", time_zone: "CET" }, "time_zone", "must be an IANA time zone such as Europe/Berlin"],
    // JavaScript knows it and Postgres does not.
    [{ name: "Eve", time_zone: "US/Pacific-New" }, "time_zone", "must be an IANA time zone"],
    [{ id: 1 }, "id", "is not a known field"],
  ])("is left as it is by %j", async (body, field, message) => {
    const person = await Person.signUp({ name: "Ada" });
    const before = await accountOf(person);
    const response = await change(person, body);

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors).toEqual([{ field, message: expect.stringContaining(message) }]);
    expect(await accountOf(person)).toEqual(before);
  });
});
