import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { McpSession } from "../../src/durable-objects.ts";
import { chat } from "../support/chatting.ts";
import { scrape } from "../support/counting.ts";
import { ACCEPT, ClientSession, initializeParams } from "../support/mcp.ts";
import { sumOf } from "../support/metrics-text.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { newAddress, PASSWORD, Person, problemOf, send } from "../support/person.ts";
import { Script, says } from "../support/scripted-model.ts";
import { setVariables } from "../support/variables.ts";

beforeAll(() =>
  setVariables({
    SIGN_UPS_PER_ADDRESS: "2",
    DAILY_TOKEN_BUDGET_ADDRESS: "1000",
    DAILY_TOKEN_BUDGET_TOTAL: "5000000",
  }),
);

/** What the refusal of a request says. */
async function refusal(response: Response): Promise<{ status: number; detail: string }> {
  const { status, detail } = await problemOf(response);
  return { status, detail };
}

async function taskCount(person: Person): Promise<unknown> {
  const [row] = await ownerQuery("select task_count from users where id = $1", [person.id]);
  return row?.task_count;
}

describe("tasks", () => {
  it("are 100,000 at most; a deleted one makes room", async () => {
    const person = await Person.signUp();
    const { id } = await person.runForTask("create_task", { title: "One of many" });
    await ownerQuery("update users set task_count = 100000 where id = $1", [person.id]);
    const refused = await refusal(await person.call("create_task", { title: "Too many" }));
    await person.run("delete_task", { task_id: id });
    const next = await person.runForTask("create_task", { title: "Fits" });

    expect(refused).toEqual({
      status: 409,
      detail: "You have 100,000 tasks, the most there can be. Delete some, then create more.",
    });
    // Nor was an id used up.
    expect(next.id).toBe(id + 1);
    expect(await taskCount(person)).toBe(100_000);
  });

  it("are counted as they are, also where the release before makes them", async () => {
    const person = await Person.signUp();
    for (const title of ["a", "b", "c"]) await person.run("create_task", { title });
    await ownerQuery("insert into tasks (user_id, title) select $1, 'of old' from generate_series(1, 5)", [person.id]);
    await ownerQuery("delete from tasks where user_id = $1 and id > 5", [person.id]);

    expect(await taskCount(person)).toBe(5);
  });
});

describe("conversations", () => {
  it("are 10,000 at most; those that are there go on", async () => {
    const person = await Person.signUp();
    const begun = await Script.write([says("Hello."), says("Hello again.")]);
    const { conversation_id } = await chat(person, { message: `Hi ${begun.mark}` });
    await ownerQuery(
      "insert into conversations (user_id, id, title) select $1, 'c' || n, 'one of many' from generate_series(2, 10000) n",
      [person.id],
    );
    const refused = await refusal(await person.send("/chat", { method: "POST", body: { message: "One more" } }));
    const again = await chat(person, { conversation_id, message: `Hi ${begun.mark}` });

    expect(refused).toEqual({
      status: 409,
      detail: "You have 10,000 conversations, the most there can be. Delete some, then begin another.",
    });
    expect(again.response).toBe("Hello again.");
  });
});

describe("MCP sessions", () => {
  const open = (person: Person) =>
    person.send("/mcp", {
      method: "POST",
      headers: { Accept: ACCEPT },
      body: { jsonrpc: "2.0", id: 1, method: "initialize", params: initializeParams() },
    });
  const rowsOf = (person: Person) =>
    ownerQuery("select object_id from mcp_sessions where user_id = $1 order by object_id", [person.id]);
  const objectIdOf = ({ id }: ClientSession) => id.split(".", 1).join("");

  /** Puts as many sessions there, but for their objects, that the person has 50 in all. */
  const fillUp = (person: Person, usedAt = "now()") =>
    ownerQuery(
      `insert into mcp_sessions (user_id, object_id, used_at)
       select $1, encode(sha256(($1 || ' ' || n)::bytea), 'hex'), ${usedAt}
       from generate_series(1, 50 - (select count(*) from mcp_sessions where user_id = $1)::int) n`,
      [person.id],
    );
  const unusedSince = (session: ClientSession, interval: string) =>
    ownerQuery(`update mcp_sessions set used_at = now() - interval '${interval}' where object_id = $1`, [
      objectIdOf(session),
    ]);

  it("are 50 at most; the end of one makes room", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    await fillUp(person);
    const response = await open(person);
    const retryAfter = response.headers.get("Retry-After");
    const refused = await refusal(response);
    expect((await session.delete()).status).toBe(204);

    expect(refused.status).toBe(429);
    expect(refused.detail).toContain("50 MCP sessions");
    expect(retryAfter).toBe("600");
    expect((await open(person)).status).toBe(200);
    expect((await open(person)).status).toBe(429);
    expect(await rowsOf(person)).toHaveLength(50);
  });

  it("that are refused take no place", async () => {
    const person = await Person.signUp();
    const initialize = { jsonrpc: "2.0", id: 1, method: "initialize", params: initializeParams() };
    for (const [headers, body, status] of [
      [{ Accept: "application/json" }, initialize, 406],
      [{ Accept: ACCEPT }, { ...initialize, params: {} }, 400],
    ] as const) {
      const response = await person.send("/mcp", { method: "POST", headers, body });
      expect([response.status, await rowsOf(person)]).toEqual([status, []]);
    }
    using _ = vi.spyOn(McpSession.prototype, "open").mockRejectedValue(new Error("overloaded"));
    expect([(await open(person)).status, await rowsOf(person)]).toEqual([503, []]);
  });

  it("that were opened count as opened, however many answers of the database are lost", async () => {
    const person = await Person.signUp();
    const send = globalThis.fetch;
    let requests = 0;
    using _ = vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const response = await send(input, init);
      if (!String(init?.body).includes(`\\"user_id\\":${person.id},`)) return response;
      requests += 1;
      return requests % 2 === 1 ? new Response("nobody there", { status: 502 }) : response;
    });

    expect((await open(person)).status).toBe(200);
    expect(requests).toBe(4);
    expect(await rowsOf(person)).toHaveLength(1);
  });

  it("that go on are asked once an hour, also where none of them ends", async () => {
    const person = await Person.signUp();
    const session = await ClientSession.open(person);
    await fillUp(person);
    await unusedSince(session, "2 hours");
    expect((await open(person)).status).toBe(429);
    const asked = await ownerQuery(
      "select used_at > now() - interval '1 minute' as lately from mcp_sessions where object_id = $1",
      [objectIdOf(session)],
    );

    expect(asked).toEqual([{ lately: true }]);
  });

  it("that are gone, or were not used for an hour, make room where there is none", async () => {
    const person = await Person.signUp();
    const [used, idle] = [await ClientSession.open(person), await ClientSession.open(person)];
    const stub = env.MCP_SESSIONS.get(env.MCP_SESSIONS.idFromString(objectIdOf(idle)));
    await runInDurableObject(stub, (_, { storage }) => {
      const record = z.looseObject({ usedAt: z.number() }).parse(storage.kv.get("session"));
      storage.kv.put("session", { ...record, usedAt: record.usedAt - 2 * 60 * 60 * 1000 });
    });
    await evictDurableObject(stub);
    await Promise.all([unusedSince(used, "2 hours"), unusedSince(idle, "2 hours")]);
    await fillUp(person);
    const opened = await open(person);
    const refused = await open(person);

    expect([opened.status, refused.status]).toEqual([200, 429]);
    expect((await used.request("ping")).result).toEqual({});
    expect((await idle.post({ jsonrpc: "2.0", id: 1, method: "ping" })).status).toBe(404);
    expect((await rowsOf(person)).map(({ object_id }) => object_id)).not.toContain(objectIdOf(idle));

    await ownerQuery("update mcp_sessions set used_at = now() - interval '2 hours' where user_id = $1", [person.id]);
    expect((await open(person)).status).toBe(200);
    // All but the two that are used were of no object.
    expect((await rowsOf(person)).length).toBeLessThanOrEqual(4);
  });
});

describe("an address", () => {
  const signUp = (address: string, account: Record<string, unknown> = {}) =>
    send("/api/auth/signup", {
      method: "POST",
      headers: { "CF-Connecting-IP": address },
      body: { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD, ...account },
    });

  it("makes so many accounts a day; what was refused does not count", async () => {
    const address = newAddress();
    const taken = await Person.signUp();
    expect((await signUp(address)).status).toBe(201);
    expect((await signUp(address, { email: taken.session.user.email })).status).toBe(409);
    expect((await signUp(address)).status).toBe(201);
    const response = await signUp(address);
    const wait = Number(response.headers.get("Retry-After"));
    const refused = await refusal(response);

    expect(refused.status).toBe(429);
    expect(refused.detail).toContain("2 accounts were made from your address today");
    expect(wait).toBeGreaterThan(0);
    expect((await signUp(newAddress())).status).toBe(201);
    expect(await ownerQuery("select from daily_counts where subject like $1", [`%${address}%`])).toEqual([]);
  });

  it("that has made them is told so at once, and nothing is hashed for it", async () => {
    const address = newAddress();
    for (let count = 0; count < 2; count += 1) expect((await signUp(address)).status).toBe(201);
    // When one of these is refused a hash, there is no place for anybody.
    const crowd = Array.from({ length: 20 }, () => {
      // Each of their own e-mail, which has a limit as well.
      const body = { email: `${crypto.randomUUID()}@example.com`, password: PASSWORD };
      return send("/api/auth/signin", { method: "POST", body });
    });
    await Promise.any(crowd.map(async (sent) => expect((await sent).status).toBe(503)));
    const refused = await refusal(await signUp(address));
    await Promise.all(crowd);

    expect(refused).toMatchObject({ status: 429, detail: expect.stringContaining("2 accounts were made from your") });
  });

  it("uses so many tokens a day, by all who chat from it; from elsewhere they go on", async () => {
    const [ann, bob] = [await Person.signUp(), await Person.signUp()];
    const from = { "CF-Connecting-IP": newAddress() };
    for (let spent = 0; spent < 1_000; ) {
      const script = await Script.write([says("Hello.")]);
      const { usage } = await chat(ann, { message: `Hi ${script.mark}` }, from);
      spent += usage.input_tokens + usage.output_tokens;
    }
    const refused = await refusal(await bob.send("/chat", { method: "POST", body: { message: "Hi" }, headers: from }));
    const elsewhere = await Script.write([says("Hello, Bob.")]);

    expect(refused.status).toBe(429);
    expect(refused.detail).toContain("Your address has used up today's 1,000 tokens");
    expect((await chat(bob, { message: `Hi ${elsewhere.mark}` })).response).toBe("Hello, Bob.");
  });

  it("uses no more of them in one turn than a round takes it past", async () => {
    const person = await Person.signUp();
    const script = await Script.write([
      { output: [{ type: "call", name: "list_tasks", arguments: "{}" }], tokens: { input: 1_200, output: 10 } },
      says("Never."),
    ]);
    const from = { "CF-Connecting-IP": newAddress() };
    const { error } = await chat(person, { message: `List ${script.mark}` }, from);

    expect(error?.message).toContain("Your address has used up today's 1,000 tokens");
    expect((await script.record()).requests).toHaveLength(1);
  });
});

describe("all accounts together", () => {
  it("use so many tokens a day", async () => {
    const person = await Person.signUp();
    await ownerQuery(
      "insert into daily_counts values ((now() at time zone 'UTC')::date, 'total_chat_tokens', 'test', 5000000)",
    );
    const response = await person.send("/chat", { method: "POST", body: { message: "Hi" } });
    await ownerQuery("delete from daily_counts where subject = 'test'");
    const script = await Script.write([says("Hello.")]);

    expect((await refusal(response)).detail).toContain("All accounts together");
    expect((await chat(person, { message: `Hi ${script.mark}` })).response).toBe("Hello.");
    const [total] = await ownerQuery(
      "select sum(amount) > 0 as counted from daily_counts where kind = 'total_chat_tokens'",
    );
    expect(total).toEqual({ counted: true });
  });
});

it("counts each ceiling that was reached above", async () => {
  const reached = ["tasks", "conversations", "sessions", "sign_ups", "address_tokens", "total_tokens"];
  await expect
    .poll(
      async () => {
        const samples = await scrape();
        return reached.filter((limit) => sumOf(samples, "limits_reached_total", { limit }) > 0);
      },
      { timeout: PATIENCE },
    )
    .toEqual(reached);
});
