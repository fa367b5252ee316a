import { expect, test } from "vitest";
import { titlesOf } from "./chatting.ts";
import type { Event } from "./response-events.ts";
import type { ScriptStep } from "./scripted-responses.ts";
import { turnOver } from "./turn-over.ts";

/** What the person and the server are left with. */
export interface End {
  /** What the person reads. */
  readonly response: string | RegExp;
  /** How often the model was asked. */
  readonly asked: number;
  readonly outcome?: "failed";
  readonly kind?: "misconfigured";
  readonly titles?: readonly string[];
}

/** A server that answers oddly, by what it does at each request, and what comes of that. */
export type Oddity = readonly [what: string, steps: readonly ScriptStep[], end: End];

export const UNREADABLE = "The model's answer cannot be read; try again in a moment.";
export const BROKEN = "The model's answer broke off in the middle.";
export const NO_QUOTA = "The model's account has no quota left; the operator must see to it.";
export const NOTHING = "The model answered nothing; try again.";

export const answered = (asked = 1): End => ({ response: "Hello.", asked });
export const added = { response: "Added.", asked: 2, titles: ["Milk"] };
export const failed = (response: string | RegExp, asked = 1): End => ({ response, asked, outcome: "failed" });

export const events = (...list: Event[]): ScriptStep => ({ events: list });
export const cut = (...list: Event[]): ScriptStep => ({ events: list, ending: "cut" });
/** Has the server answer with each, and looks at what comes of it. */
export function testOddities(oddities: readonly Oddity[]): void {
  test("at least 20 oddities", () => {
    expect(new Set(oddities.map(([what]) => what)).size).toBe(oddities.length);
    expect(oddities.length).toBeGreaterThanOrEqual(20);
  });

  test.each(oddities)(
    "%s",
    async (_, steps, { response, asked, outcome = "completed", kind = "unavailable", titles }) => {
      const { answer, person, record, stored } = await turnOver(steps);
      if (typeof response === "string") expect(answer.response).toBe(response);
      else expect(answer.response).toMatch(response);
      expect(record.requests).toHaveLength(asked);
      expect(stored).toMatchObject({ outcome });
      expect(answer.error?.kind).toBe(outcome === "failed" ? kind : undefined);
      expect(JSON.stringify(answer)).not.toContain("sk-secret");
      if (titles !== undefined) expect(await titlesOf(person)).toEqual(titles);
    },
  );
}
