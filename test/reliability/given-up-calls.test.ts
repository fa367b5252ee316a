import { afterEach, describe, expect, it, vi } from "vitest";
import { holdAnswers, refuseRequests } from "../support/database-requests.ts";
import { ClientSession, statelessRequest } from "../support/mcp.ts";
import { ownerQuery } from "../support/owner.ts";
import { PATIENCE } from "../support/patience.ts";
import { Person } from "../support/person.ts";

const TITLE = "given up in time";
const CREATE = { name: "create_task", arguments: { title: TITLE } };

/** Long enough for every further attempt at a call that goes on, in milliseconds. */
const FURTHER_ATTEMPTS = 2_000;
/** Until a server hears that a client gave up; the last attempt at a call that goes on comes later, with the longest pauses. */
const UNTIL_IT_IS_HEARD = 300;

const titlesOf = async (person: Person) =>
  (await ownerQuery("select title from tasks where user_id = $1", [person.id])).map(({ title }) => title);

/** A call of a client's, and how the client gives it up. */
interface GivenUp {
  /** Settles once the server has ended the call, or the client has. */
  readonly ended: Promise<unknown>;
  giveUp(): unknown;
}

/** Of a client that hangs up, workerd ends the request with all its work: nothing is left to tell of it. */
const ways: [string, (person: Person) => Promise<GivenUp>][] = [
  [
    "a session's client cancels",
    async (person) => {
      const session = await ClientSession.open(person);
      const ended = session.post({ jsonrpc: "2.0", id: 7, method: "tools/call", params: CREATE });
      const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
      return { ended, giveUp: () => session.post(cancelled) };
    },
  ],
  [
    "a client of the stateless mode hangs up on",
    async (person) => {
      const controller = new AbortController();
      const ended = statelessRequest(person, "tools/call", CREATE, {}, controller.signal);
      return { ended, giveUp: () => controller.abort() };
    },
  ],
  [
    "a client of the stateless mode hangs up on, by way of its SDK,",
    async (person) => {
      const controller = new AbortController();
      const params = { ...CREATE, _meta: { progressToken: 1 } };
      const ended = statelessRequest(person, "tools/call", params, {}, controller.signal);
      return { ended, giveUp: () => controller.abort() };
    },
  ],
];

afterEach(() => vi.restoreAllMocks());

describe.each(ways)("a call that %s", (_, call) => {
  it("is not sent once more where the database has not taken it", async () => {
    const person = await Person.signUp();
    vi.spyOn(Math, "random").mockReturnValue(1);
    using refused = refuseRequests(person, TITLE);
    const { ended, giveUp } = await call(person);
    const settled = ended.catch(() => undefined);
    await vi.waitFor(() => expect(refused.count).toBeGreaterThan(0), { interval: 5 });
    await giveUp();
    await settled;
    await new Promise((resolve) => setTimeout(resolve, UNTIL_IT_IS_HEARD));
    refused.release();
    await new Promise((resolve) => setTimeout(resolve, FURTHER_ATTEMPTS));

    expect(await titlesOf(person)).toEqual([]);
  });

  it("is carried out once where it was sent", async () => {
    const person = await Person.signUp();
    using held = holdAnswers(person, TITLE);
    const { ended, giveUp } = await call(person);
    const settled = ended.catch(() => undefined);
    await vi.waitFor(async () => expect(await titlesOf(person)).toEqual([TITLE]), PATIENCE);
    await giveUp();
    held.release();
    await settled;

    expect(held.count).toBe(1);
    expect(await titlesOf(person)).toEqual([TITLE]);
  });
});
