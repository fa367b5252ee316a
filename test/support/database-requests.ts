import { vi } from "vitest";
import type { Person } from "./person.ts";

/** Requests to the database that wait, fail, or are not heard of again. */
export interface CaughtRequests extends Disposable {
  /** How many were caught until now. */
  readonly count: number;
  /** Lets those that wait go on, and all that come later. */
  release(): void;
}

/** What becomes of a request: `pass` sends it to the database. */
type Fate = (pass: () => Promise<Response>, isReleased: () => boolean) => Promise<Response>;

/** Counts the requests that the worker makes for a person. */
export function countRequests(person: Person): CaughtRequests {
  return catchRequests(person, "set_caller", (pass) => pass());
}

/** Has the requests that the worker makes for a person, and whose SQL contains `part`, wait until they are released. */
export function holdDatabase(person: Person, part: string): CaughtRequests {
  return catchRequests(person, part, async (pass, isReleased) => {
    await until(isReleased);
    return pass();
  });
}

/** Has them fail, as if the database were not there, until they are released. */
export function failDatabase(person: Person, part: string): CaughtRequests {
  return catchRequests(person, part, async (pass, isReleased) => (isReleased() ? pass() : noAnswer()));
}

/** Has Neon's proxy refuse them, so that they certainly do not reach the database, until they are released. */
export function refuseRequests(person: Person, part: string): CaughtRequests {
  return catchRequests(person, part, async (pass, isReleased) =>
    isReleased() ? pass() : new Response("too many requests", { status: 429 }),
  );
}

/** Has Postgres answer them with a fault of its own (SQLSTATE XX000) that undoes them, until they are released. */
export function breakRequests(person: Person, part: string): CaughtRequests {
  const fault = { message: "a fault of the test's", code: "XX000", severity: "ERROR" };
  return catchRequests(person, part, async (pass, isReleased) =>
    isReleased() ? pass() : Response.json(fault, { status: 400 }),
  );
}

/** Has them reach the database, and their answers wait until they are released. */
export function holdAnswers(person: Person, part: string): CaughtRequests {
  return catchRequests(person, part, async (pass, isReleased) => {
    const response = await pass();
    const body = await response.text();
    await until(isReleased);
    return new Response(body, response);
  });
}

/**
 * Has them reach the database, and their answers get lost until they are released.
 *
 * @param before what happens to the database before each
 * @param after what happens when it has carried one out, before the caller learns that the answer is lost
 */
export function loseAnswers(
  person: Person,
  part: string,
  { before = nothing, after = nothing }: { before?: () => Promise<unknown>; after?: () => Promise<unknown> } = {},
): CaughtRequests {
  return catchRequests(person, part, async (pass, isReleased) => {
    if (isReleased()) return pass();
    await before();
    await (await pass()).text();
    await after();
    return noAnswer();
  });
}

/** Has them given up as soon as they are sent, while the database goes on with them, until they are released. */
export function giveUpRequests(person: Person, part: string): CaughtRequests {
  return catchRequests(person, part, async (pass, isReleased) => {
    const answering = pass();
    if (isReleased()) return answering;
    void answering.then((late) => late.text());
    return noAnswer();
  });
}

async function nothing(): Promise<void> {}

function noAnswer(): Response {
  return new Response("nobody there", { status: 502 });
}

async function until(isReleased: () => boolean): Promise<void> {
  // A promise of the test's own would belong to another request than the one that waits for it.
  while (!isReleased()) await new Promise((resolve) => setTimeout(resolve, 10));
}

function catchRequests(person: Person, part: string, fate: Fate): CaughtRequests {
  const send = globalThis.fetch;
  let count = 0;
  let isReleased = false;
  const spy = vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const body = typeof init?.body === "string" ? init.body : "";
    const isMeant = body.includes(JSON.stringify(part).slice(1, -1)) && body.includes(`\\"user_id\\":${person.id},`);
    if (!isMeant) return send(input, init);
    count += 1;
    return fate(
      () => send(input, init),
      () => isReleased,
    );
  });
  const release = () => {
    isReleased = true;
  };
  return {
    get count() {
      return count;
    },
    release,
    [Symbol.dispose]() {
      release();
      spy.mockRestore();
    },
  };
}
