import { env } from "cloudflare:workers";
import { expect, inject, it } from "vitest";
import { verifyToken } from "../../src/auth/token.ts";
import { readConfiguration } from "../../src/config.ts";
import { openDatabase } from "../../src/database/database.ts";
import { holdRows } from "../support/owner.ts";
import { ORIGIN, Person } from "../support/person.ts";

const { DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT, JWT_SECRET } = readConfiguration(env);
const database = openDatabase(DATABASE_URL, NEON_FETCH_ENDPOINT, DATABASE_TIMEOUT);

// PGlite has one connection, so that everybody waits for who holds it.
it.skipIf(inject("databaseName") === "pglite")(
  "a call that writes waits for the one of the same user before it, and one that reads does not (needs PostgreSQL)",
  async () => {
    const person = await Person.signUp();
    const caller = await verifyToken(person.session.token, { secret: JWT_SECRET, issuer: ORIGIN });
    if (caller === undefined) throw new Error("the token must hold");
    const own = database.as(caller, { via: "http", requestId: "test" });
    const { released } = await holdRows(`users where id = ${person.id} for no key update`, 3_000);
    const ended: string[] = [];
    const written = own.write("nothing", (query) => [query.execute("select 1")]).then(() => ended.push("written"));
    // Long enough for a write that does not wait.
    for (let count = 0; count < 5; count += 1) {
      await own.read((query) => [query.execute("select pg_sleep(0.05)")]);
      ended.push("read");
    }

    await Promise.all([written, released]);
    expect(ended).toEqual([...Array.from({ length: 5 }, () => "read"), "written"]);
  },
);
