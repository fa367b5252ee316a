import { vi } from "vitest";
import type { Person } from "./person.ts";

/** A request to the database that waits, or fails. */
export interface CaughtRequests extends Disposable {
  /** How many were caught until now. */
  readonly count: number;
  /** Lets those that wait go on, and all that come later. */
  release(): void;
}

/** Has the requests that the worker makes for a person, and whose SQL contains `part`, wait until they are released. */
export function holdDatabase(person: Person, part: string): CaughtRequests {
  let isHeld = true;
  return catchRequests(
    person,
    part,
    async () => {
      // A promise of the test's own would belong to another request than the one that waits for it.
      while (isHeld) await new Promise((resolve) => setTimeout(resolve, 10));
      return undefined;
    },
    () => {
      isHeld = false;
    },
  );
}

/** Has them fail, as if the database were not there, until they are released. */
export function failDatabase(person: Person, part: string): CaughtRequests {
  let isDown = true;
  return catchRequests(
    person,
    part,
    async () => (isDown ? new Response("nobody there", { status: 502 }) : undefined),
    () => {
      isDown = false;
    },
  );
}

/** Has them reach the database, and their answers wait until they are released. */
export function holdAnswers(person: Person, part: string): CaughtRequests {
  let isHeld = true;
  return catchRequests(
    person,
    part,
    async (pass) => {
      const response = await pass();
      const body = await response.text();
      while (isHeld) await new Promise((resolve) => setTimeout(resolve, 10));
      return new Response(body, response);
    },
    () => {
      isHeld = false;
    },
  );
}

/** Has them reach the database, and their answers get lost until they are released. */
export function loseAnswers(person: Person, part: string): CaughtRequests {
  let isLost = true;
  return catchRequests(
    person,
    part,
    async (pass) => {
      const response = await pass();
      if (!isLost) return response;
      await response.text();
      return new Response("lost", { status: 502 });
    },
    () => {
      isLost = false;
    },
  );
}

/** Has them given up as soon as they are sent, while the database goes on with them, until they are released. */
export function giveUpRequests(person: Person, part: string): CaughtRequests {
  let isGivenUp = true;
  return catchRequests(
    person,
    part,
    async (pass) => {
      const response = pass();
      if (!isGivenUp) return response;
      void response.then((late) => late.text());
      return new Response("too late", { status: 502 });
    },
    () => {
      isGivenUp = false;
    },
  );
}

function catchRequests(
  person: Person,
  part: string,
  answer: (pass: () => Promise<Response>) => Promise<Response | undefined>,
  release: () => void,
): CaughtRequests {
  const pass = globalThis.fetch;
  let count = 0;
  const spy = vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const body = typeof init?.body === "string" ? init.body : "";
    const isMeant = body.includes(JSON.stringify(part).slice(1, -1)) && body.includes(`"params":["${person.id}"`);
    if (!isMeant) return pass(input, init);
    count += 1;
    return (await answer(() => pass(input, init))) ?? pass(input, init);
  });
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
