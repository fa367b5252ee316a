import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { canCountTokens, countTokens } from "../../ops/catalog/count-tokens.ts";
import { countToolTokens, MOST_TOKENS, recordedTokens, tellChanges } from "../../ops/catalog/tool-tokens.ts";
import { digestParts } from "../../src/tasks/digest-tasks.ts";
import type { TaskInList } from "../../src/tasks/task-in-list.ts";
import { changedPage, listPage, listText } from "../../src/tools/listed-task.ts";
import { digestText, showDigest } from "../../src/tools/task-digest.ts";

const PAGE = 20;
const CURSOR = `${btoa('["2026-11-30T23:30:00.000Z",2147483647]')}.Xy7-hQ2v_0sPzB4mTnK9Lw`;

/** A generator of the same numbers each time (Lehmer, with Park and Miller's multiplier). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

function task(id: number, fields: Partial<TaskInList>): TaskInList {
  return {
    id,
    title: "",
    description: "",
    isDescriptionWhole: true,
    status: "pending",
    priority: "none",
    tags: [],
    version: 1 + (id % 4),
    created_at: "2026-11-20T09:15:00-05:00",
    updated_at: "2026-11-27T17:45:10-05:00",
    ...fields,
  };
}

const real: readonly Partial<TaskInList>[] = [
  { title: "Buy milk, eggs and bread", tags: ["groceries"] },
  {
    title: "Prepare the slides for the quarterly review",
    description:
      "Take last quarter's deck as a start. Revenue by region needs the new chart from Priya, and the churn numbers have to " +
      "come from the warehouse, not from the dashboard.\n\n- intro: 2 slides\n- numbers: 5 slides\n- outlook: 2 slides\n\nSend a " +
      "draft to Tom by Wednesday so that he can comment before the rehearsal.",
    due: "2026-12-04",
    priority: "high",
    status: "in_progress",
    tags: ["work", "review"],
  },
  { title: "Call the dentist", due: "2026-11-30T10:30:00-05:00", description: "Ask about the crown; 555-0134." },
  { title: "Renew passport", due: "2027-01-15", priority: "medium", tags: ["admin"] },
  {
    title: "Fix flaky login test in CI",
    description:
      'Fails about 1 in 20 runs with `TimeoutError: waiting for selector "#email"`. Seen in #4812 and #4833.',
    tags: ["work", "bug"],
    priority: "high",
  },
  { title: "Pay the electricity bill", due: "2026-11-30", tags: ["home", "bills"] },
  { title: "Book flights to Lisbon for the conference", description: "Out on the 12th, back on the 16th; aisle seat." },
];

function page(limit: number, make: (index: number) => Partial<TaskInList>): TaskInList[] {
  return Array.from({ length: limit }, (_, index) => task(index + 1, make(index)));
}

/** What a page costs at most whatever is in it: everything set, all texts as long as they may be, of one kind. */
function longest(kind: (next: (below: number) => number) => string): (index: number) => Partial<TaskInList> {
  return (index) => {
    const next = numbers(index + 1);
    const text = (length: number) => Array.from({ length }, () => kind(next)).join("");
    return {
      id: 2_147_483_000 + index,
      version: 2_147_483_647,
      title: text(200),
      description: text(400),
      isDescriptionWhole: false,
      status: "completed",
      priority: "urgent",
      due: "2026-11-30T23:30:00-05:00",
      completed_at: "2026-11-27T17:45:10-05:00",
      scheduled: "2026-11-30T23:30:00-05:00",
      estimate_minutes: 100_000,
      parent_id: 2_147_483_647,
      waiting_for: Array.from({ length: 20 }, (_, blocker) => 2_147_483_000 + blocker),
      position: -123_456_789.123_456_78,
      tags: Array.from({ length: 20 }, () => text(50)),
    };
  };
}

const between = (first: number, last: number) => (next: (below: number) => number) =>
  String.fromCodePoint(first + next(last - first + 1));

const kinds: readonly (readonly [string, (next: (below: number) => number) => string])[] = [
  ["one letter", () => "a"],
  ["random letters", between(97, 122)],
  ["random ASCII", between(33, 126)],
  ["words of random letters", (next) => (next(5) === 0 ? " " : between(97, 122)(next))],
  ["quotation marks", () => '"'],
  ["base64", (next) => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".charAt(next(64))],
  ["Cyrillic", between(0x430, 0x44f)],
  ["Greek", between(0x3b1, 0x3c9)],
  ["Arabic", between(0x621, 0x64a)],
  ["Devanagari", between(0x905, 0x939)],
  ["kana", between(0x3041, 0x3096)],
  ["ideographs", between(0x4e00, 0x9fff)],
  ["rare ideographs", between(0x20000, 0x2a6df)],
  ["Hangul", between(0xac00, 0xd7a3)],
  ["runes", between(0x16a0, 0x16ea)],
  ["emojis", between(0x1f300, 0x1f5ff)],
  ["letters with many accents", (next) => `${between(97, 122)(next)}\u0301\u0323`],
  ["private characters", between(0x10_0000, 0x10_fffd)],
  ["words spelt in tags", between(0xe0041, 0xe007a)],
  ["turns of direction", between(0x202a, 0x202e)],
];

it.runIf(process.env.CI === "true")("the tokenizer of test/clients is installed", () => {
  expect(canCountTokens).toBe(true);
});

const needTokenizer = describe.skipIf(!canCountTokens);

needTokenizer("the tokens of the tools (need npm ci --prefix test/clients)", () => {
  it("are few: what every model pays for them in every conversation, and what a list of them costs", async () => {
    const { together } = await countToolTokens();

    expect(together?.forModel).toBeLessThanOrEqual(MOST_TOKENS.forModel);
    expect(together?.wholeList).toBeLessThanOrEqual(MOST_TOKENS.wholeList);
    expect(MOST_TOKENS).toEqual({ forModel: 2_500, wholeList: 4_500 });
  });

  it("are recorded, so that a change shows what it costs: npm run tokens records them", async () => {
    const recorded = await recordedTokens();
    expect(recorded).toEqual(await countToolTokens());
    const row = (await readFile("docs/comparison.md", "utf8"))
      .split("\n")
      .find((line) => line.includes("**the six tools**"));
    const figures = row?.match(/\*\*[\d,]+\*\*/g)?.map((figure) => Number(figure.replace(/\D/g, "")));
    expect(figures).toEqual([recorded.together?.forModel, recorded.together?.wholeList]);
  });
});

it("a change of what the tools cost is told tool by tool", () => {
  const before = {
    list_tasks: { forModel: 570, wholeList: 1_100 },
    get_task: { forModel: 150, wholeList: 580 },
    together: { forModel: 720, wholeList: 1_680 },
  };
  const now = {
    list_tasks: { forModel: 583, wholeList: 1_100 },
    get_task: { forModel: 150, wholeList: 580 },
    find_task: { forModel: 90, wholeList: 200 },
    together: { forModel: 823, wholeList: 1_600 },
  };
  expect(tellChanges(before, now)).toEqual([
    "list_tasks: for the model 570 → 583 (+13); in tools/list as before",
    "find_task: for the model 0 → 90 (+90); in tools/list 0 → 200 (+200)",
    "together: for the model 720 → 823 (+103); in tools/list 1680 → 1600 (-80)",
  ]);
  expect(tellChanges(before, before)).toEqual([]);
});

needTokenizer("the tokens of a digest (need npm ci --prefix test/clients)", () => {
  const CLOCK = {
    now: "2026-11-27T17:45:10-05:00",
    time_zone: "America/Argentina/ComodRivadavia",
    change: 2_147_483_647,
  };

  it("are 600 at most, as structured content and as text, whatever tasks say", { timeout: 120_000 }, async () => {
    const digests = [...kinds.map(([, kind]) => longest(kind)), (index: number) => real[index % real.length] ?? {}].map(
      (make, which) =>
        showDigest({
          parts: digestParts.map((part, of) => ({
            part,
            count: "1,000+",
            tasks: page(20, (index) => ({
              ...make(index),
              id: (which < kinds.length ? 2_147_000_000 : 1) + 100 * of + index,
              waiting_for: [2_147_000_001, 2_147_000_002, 2_147_000_003, 2_147_000_004],
              ...(part === "in_progress" && { claimed_by: make(index).title ?? "" }),
            })),
          })),
          lastChange: 1,
          now: new Date(),
          timeZone: "UTC",
        }),
    );
    const structured = await countTokens(digests.map((digest) => JSON.stringify({ tasks: [], digest, ...CLOCK })));
    const text = await countTokens(
      digests.map(
        (digest) => `${digestText(digest)}\nIt is Wednesday, ${CLOCK.now} in ${CLOCK.time_zone}. Change 2147483647.`,
      ),
    );
    for (const [index, name] of [...kinds.map(([kind]) => kind), "real"].entries()) {
      expect(structured[index], `${name}, structured`).toBeLessThanOrEqual(600);
      expect(text[index], `${name}, text`).toBeLessThanOrEqual(600);
    }
    const shown = digests.at(-1)?.reduce((sum, { tasks }) => sum + tasks.length, 0);
    expect(shown).toBeGreaterThanOrEqual(2 * digestParts.length);
  });
});

needTokenizer("the tokens of a page (need npm ci --prefix test/clients)", () => {
  /** What a page costs as structured content and as text, with a cursor. */
  async function cost(pages: readonly TaskInList[][], limit = PAGE) {
    const listed = pages.map((tasks) => listPage(tasks, "updated", limit));
    const [structured, text] = await Promise.all([
      countTokens(listed.map((tasks) => JSON.stringify({ tasks, next_cursor: CURSOR }))),
      countTokens(listed.map((tasks) => `${listText(tasks)}\nThere are more: cursor ${CURSOR}`)),
    ]);
    return { structured, text };
  }

  it("are few for tasks as people have them", async () => {
    const mixed = page(PAGE, (index) => real[index % real.length] ?? {});
    const described = page(PAGE, () => real[1] ?? {});
    const listed = [mixed, described].map((tasks) => listPage(tasks, "due", PAGE));
    const structured = await countTokens(listed.map((tasks) => JSON.stringify({ tasks, next_cursor: CURSOR })));
    const text = await countTokens(listed.map((tasks) => `${listText(tasks)}\nThere are more: cursor ${CURSOR}`));
    expect(Math.max(...structured), String(structured)).toBeLessThanOrEqual(1_600);
    expect(Math.max(...text), String(text)).toBeLessThanOrEqual(1_200);
  });

  it("are fewer still of what has changed: 300 at most after ten changes, of ten tasks", async () => {
    const states: readonly Partial<TaskInList>[] = [
      {},
      {},
      { status: "completed", completed_at: "2026-11-27T17:45:10-05:00" },
      {},
      { status: "in_progress", claimed_by: "Claude", claimed_until: "2026-11-27T18:15:10-05:00" },
      {},
      {},
      { title: "Water the plants on the balcony", status: "completed", completed_at: "2026-11-27T16:45:10-05:00" },
      { title: "Review Priya's pull request on rate limits", priority: "urgent", due: "2026-11-28" },
      { title: "Old note about the printer", deleted_at: "2026-11-27T17:40:10-05:00", last_change: 1057 },
    ];
    const changed = changedPage(page(10, (index) => ({ ...real[index], ...states[index] })));
    expect(new Set(changed.map(({ title }) => title)).size).toBe(10);
    const [structured = 0, text = 0] = await countTokens([
      JSON.stringify({ tasks: changed, change: 57 }),
      `${listText(changed)}\nChange 57.`,
    ]);
    expect(structured).toBeLessThanOrEqual(300);
    expect(text).toBeLessThanOrEqual(300);
  });

  it("stay within the budget, whatever the tasks say", { timeout: 120_000 }, async () => {
    const { structured, text } = await cost(kinds.map(([, kind]) => page(PAGE, longest(kind))));
    for (const [index, [name]] of kinds.entries()) {
      expect(structured[index], `${name}, structured`).toBeLessThanOrEqual(2_400);
      expect(text[index], `${name}, text`).toBeLessThanOrEqual(2_400);
    }
  });

  it("grow with the limit, and no further", { timeout: 120_000 }, async () => {
    const pages = [kinds[1], kinds[12]].map((kind) => page(100, longest(kind?.[1] ?? (() => ""))));
    const { structured, text } = await cost(pages, 100);
    expect(Math.max(...structured, ...text)).toBeLessThanOrEqual(12_000);
  });
});
