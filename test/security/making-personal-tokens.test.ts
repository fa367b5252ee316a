import { beforeEach, describe, expect, it } from "vitest";
import { enoughOfMinute } from "../support/limiter-minute.ts";
import { ownerQuery } from "../support/owner.ts";
import { newAddress, PASSWORD, Person, problemOf, send } from "../support/person.ts";
import { listTokens, makeToken, TOKENS_PATH } from "../support/token-routes.ts";

let person: Person;

beforeEach(async () => {
  person = await Person.signUp();
});

describe("making one", () => {
  it("wants the password, whatever else was stolen", async () => {
    const { token } = await makeToken(person);
    const [without, wrong, stolen] = [{}, { password: "Not the password 1" }, { password: PASSWORD }];
    const before = await listTokens(person);
    const asked = (body: object, headers = person.authorization) =>
      send(TOKENS_PATH, { method: "POST", body: { name: "Eve", ...body }, headers });

    const refused = await asked(without);
    expect(refused.status).toBe(400);
    expect((await problemOf(refused)).errors).toEqual([{ field: "password", message: "is required" }]);
    expect((await asked(wrong)).status).toBe(403);
    const byToken = await asked(stolen, { Authorization: `Bearer ${token}` });
    expect(byToken.status).toBe(403);
    expect((await problemOf(byToken)).detail).toContain("personal token makes no other");
    expect((await listTokens(person)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  });

  it("counts as a guess of the password", async () => {
    const headers = { ...person.authorization, "CF-Connecting-IP": newAddress() };
    await enoughOfMinute();
    const statuses: number[] = [];
    for (let guess = 0; guess < 11; guess += 1) {
      const body = { name: "Eve", password: `Not the password ${guess}` };
      statuses.push((await send(TOKENS_PATH, { method: "POST", body, headers })).status);
    }
    expect(statuses.at(0)).toBe(403);
    expect(statuses.at(-1)).toBe(429);
  });

  it.each([
    [{ name: "" }, "name"],
    [{ name: "a".repeat(101) }, "name"],
    [{ name: undefined }, "name"],
    [{ name: "Laptop", scopes: [] }, "scopes"],
    [{ name: "Laptop", scopes: ["everything"] }, "scopes.0"],
    [{ name: "Laptop", scopes: "tasks:read" }, "scopes"],
    [{ name: "Laptop", expires_in_days: 0 }, "expires_in_days"],
    [{ name: "Laptop", expires_in_days: 3651 }, "expires_in_days"],
    [{ name: "Laptop", expires_in_days: 1.5 }, "expires_in_days"],
    [{ name: "Laptop", colour: "red" }, "colour"],
  ])("is refused for %j, which makes none", async (body, field) => {
    const before = (await listTokens(person)).length;
    const response = await person.send(TOKENS_PATH, { method: "POST", body });

    expect(response.status).toBe(400);
    expect((await problemOf(response)).errors?.map((error) => error.field)).toEqual([field]);
    expect((await listTokens(person)).length).toBe(before);
  });

  it("ends at a hundred", async () => {
    const own = await Person.signUp();
    await ownerQuery(
      "insert into personal_tokens (user_id, id, name) select $1, gen_random_uuid(), 'one of many' from generate_series(1, 100)",
      [own.id],
    );
    const response = await own.send(TOKENS_PATH, { method: "POST", body: { name: "One more", password: PASSWORD } });

    expect(response.status).toBe(409);
    expect((await problemOf(response)).detail).toBe(
      "You have 100 personal tokens, the most there can be. Delete one, then make another.",
    );
  });
});
