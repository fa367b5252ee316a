import { beforeAll, describe, expect, it } from "vitest";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";

let person: Person;

const titlesOf = async (filter: Record<string, unknown>, whose = person) =>
  (await whose.run("list_tasks", filter)).tasks.map((task) => task.title);

beforeAll(async () => {
  person = await Person.signUp({ time_zone: "America/New_York" });
  const tasks = [
    { title: "undated", description: "50% of _everything_" },
    { title: "december", due: "2026-12-01", priority: "low", tags: ["home", "year end"] },
    { title: "started", due: "2026-11-30T23:30:00-05:00", status: "in_progress", priority: "urgent", tags: ["home"] },
    { title: "november", due: "2026-11-30", priority: "high" },
    { title: "done", due: "2026-11-01", status: "completed" },
    { title: "given up", status: "cancelled" },
  ];
  for (const task of tasks) await person.run("create_task", task);
  // Late in the evening by the person's clock, on the next day in UTC.
  await ownerQuery("update tasks set completed_at = '2026-11-03T04:00:00Z' where user_id = $1 and title = 'done'", [
    person.id,
  ]);
});

describe("filters", () => {
  it.each([
    ["due_before", { due_from: "2026-12-10", due_before: "2026-12-01" }],
    ["due_before", { due_from: "2026-12-01", due_before: "2026-12-01" }],
    ["due_before", { due_from: "2026-12-01T09:00:00", due_before: "2026-12-01" }],
    ["due_before", { due_from: "2026-12-01T10:00:00+02:00", due_before: "2026-12-01T08:00:00Z" }],
    ["due_before", { due_from: "2026-12-03", due_before: "2026-12-01T08:00:00Z", group_by: "day" }],
    ["completed_before", { completed_from: "2026-12-10", completed_before: "2026-12-01" }],
  ])("with a window that ends before it begins are refused: %s of %j", async (field, filter) => {
    const { errors } = await problemOf(await person.call("list_tasks", filter));
    expect(errors).toEqual([{ field, message: `must be later than ${field.replace("before", "from")}` }]);
  });

  it("take a window whose end only the person's clock tells from its beginning", async () => {
    const window = { due_from: "2026-12-01T00:00:00-05:00", due_before: "2026-12-02" };
    expect(await titlesOf(window)).toEqual(["december"]);
    expect(await titlesOf({ ...window, due_before: "2026-12-01" })).toEqual([]);
  });

  it("find all that fit several of them, where each leaves many", async () => {
    const busy = await Person.signUp();
    await ownerQuery(
      `insert into tasks (user_id, title, tags)
       select $1, 'Word ' || n, case when n % 7 < 4 then array['home'] else '{}' end from generate_series(1, 700) as n`,
      [busy.id],
    );
    expect((await busy.run("list_tasks", { search: "word", tags: ["home"], total: true })).total).toBe("400");
  });

  it.each([
    [
      "what is not finished, soonest due first, unless asked otherwise",
      {},
      ["november", "started", "december", "undated"],
    ],
    ["completed", { status: "completed" }, ["done"]],
    ["cancelled", { status: "cancelled" }, ["given up"]],
    ["in progress", { status: "in_progress" }, ["started"]],
    ["everything", { status: "all" }, ["done", "november", "started", "december", "undated", "given up"]],
    ["a priority", { priority: "high" }, ["november"]],
    ["a tag", { tags: ["home"] }, ["started", "december"]],
    ["all of several tags", { tags: ["home", "year end"] }, ["december"]],
    ["no tag at all", { tags: [] }, ["november", "started", "december", "undated"]],
    ["text in the title, in whatever case", { search: "EMBER" }, ["november", "december"]],
    ["text in the description, signs meant as they are", { search: "50% of _every" }, ["undated"]],
    ["a percent sign that is not there", { search: "nov%ber" }, []],
    ["due before a day that begins in the user's time zone", { due_before: "2026-12-01" }, ["november", "started"]],
    ["due before a moment", { due_before: "2026-12-01T04:30:00Z" }, ["november"]],
    ["due from a day on", { due_from: "2026-12-01" }, ["december"]],
    ["due from a moment on, which counts itself", { due_from: "2026-12-01T04:30:00Z" }, ["started", "december"]],
    ["due before a moment with a far offset", { due_before: "2026-12-02T03:30:00+23:00" }, ["november"]],
    ["due from a moment in nanoseconds", { due_from: "2026-12-01T04:30:00.000000000+00:00" }, ["started", "december"]],
    ["one of several tags at least", { any_tags: ["year end", "elsewhere"] }, ["december"]],
    [
      "one of several tags, and all of others",
      { any_tags: ["year end", "home"], tags: ["HOME"] },
      ["started", "december"],
    ],
    ["without a date", { due: "no_date" }, ["undated"]],
    ["without a date, finished or not", { due: "no_date", status: "all" }, ["undated", "given up"]],
    ["completed from a day on", { completed_from: "2026-11-02" }, ["done"]],
    ["completed in a window that begins by the clock", { completed_from: "2026-11-03T00:30:00" }, []],
    ["completed before the end of a day", { completed_before: "2026-11-03", completed_from: "2026-11-02" }, ["done"]],
    ["completed before a moment, among the completed", { completed_before: "2026-11-03T00:30:00Z", status: "all" }, []],
    ["no task that is open and was completed", { completed_before: "2027-01-01", status: "in_progress" }, []],
    ["due in between", { due_from: "2026-11-02", due_before: "2026-12-01", status: "all" }, ["november", "started"]],
  ])("lists %s", async (_, filter, titles) => {
    expect(await titlesOf(filter)).toEqual(titles);
  });
});

it("lists the tasks that recur alone", async () => {
  const gardener = await Person.signUp();
  await gardener.run("create_task", { title: "Plant a tree" });
  await gardener.run("create_task", { title: "Water the plants", due: "2026-11-30", recurrence: "FREQ=WEEKLY" });
  expect(await titlesOf({ recurring: true }, gardener)).toEqual(["Water the plants"]);
  expect(await titlesOf({ recurring: true, search: "tree" }, gardener)).toEqual([]);
  expect(await titlesOf({ recurring: false }, gardener)).toEqual(["Water the plants", "Plant a tree"]);
});

describe("a search", () => {
  let searcher: Person;

  beforeAll(async () => {
    searcher = await Person.signUp();
    const tasks = [
      { title: "Pay the electricity bill", tags: ["Groceries"] },
      { title: "Meet at the Café Łódź".normalize("NFD"), description: "Straße 5, ask for ΟΔΥΣΣΕΥΣ", tags: ["café"] },
      { title: "Оплатить СЧЁТ", description: "50% of 100_000 \\ rest", tags: ["groceries", "Cafe\u0301"] },
    ];
    for (const task of tasks) await searcher.run("create_task", task);
    const more = [
      { title: "Write to the bank", description: "<ada@example.com>, about the account and a discount" },
      { title: "Count the spoons" },
      { title: "電気代を払う" },
    ];
    for (const task of more) await searcher.run("create_task", task);
    const letters = await searcher.runForTask("create_task", { title: "Letters" });
    await searcher.run("update_task", { task_id: letters.id, description: "\u{1f140}né, Œuvre, İzmir, Smørrebrød" });
  });

  it.each([
    ["words in any order, apart from each other", "bill pay", ["Pay the electricity bill"]],
    ["parts of words", "electr PAY", ["Pay the electricity bill"]],
    ["words of title and description together", "café strasse", ["Meet at the Café Łódź"]],
    ["what begins no word inside of words", "lectric", ["Pay the electricity bill"]],
    ["what begins no word, beside a filter", "ricity", ["Pay the electricity bill"]],
    ["a word that begins one, and not those that it is inside of", "count", ["Count the spoons"]],
    ["ideographs without spaces, from any of them on", "払う", ["電気代を払う"]],
    ["an address, whole or as far as it goes", "ada@example.com ada@ex", ["Write to the bank"]],
    ["a sign", "@", ["Write to the bank"]],
    ["letters without their accents", "cafe lodz", ["Meet at the Café Łódź"]],
    ["letters that are composed", "CAFÉ".normalize("NFC"), ["Meet at the Café Łódź"]],
    ["letters that are decomposed", "CAFÉ".normalize("NFD"), ["Meet at the Café Łódź"]],
    ["Greek in small letters", "οδυσσευς", ["Meet at the Café Łódź"]],
    ["Cyrillic in small letters", "счет", ["Оплатить СЧЁТ"]],
    ["letters in a square beside others", "\u{1f140}", ["Letters"]],
    ["letters that are one or two", "oeuvre IZMIR smorre", ["Letters"]],
    ["signs as they are", "50% 100_000 \\", ["Оплатить СЧЁТ"]],
    ["words as they stand in a sentence", "“Pay” the (bill)!", ["Pay the electricity bill"]],
    ["words between stops", "pay, bill; electricity?", ["Pay the electricity bill"]],
    ["words on both sides of a dash", "bill – pay", ["Pay the electricity bill"]],
    ["signs of a word before a stop", "'50%'.", ["Оплатить СЧЁТ"]],
    ["punctuation where there is nothing else", "<", ["Write to the bank"]],
    ["a stop alone, which no task has", "!", []],
    ["no sign for any text", "100%000", []],
    ["not a task that lacks a word", "pay rent", []],
  ])("finds %s", async (_, search, titles) => {
    expect(await titlesOf({ search }, searcher)).toEqual(titles);
  });

  it.each([
    [["groceries"], ["Pay the electricity bill", "Оплатить СЧЁТ"]],
    [["GROCERIES", "cafe"], ["Оплатить СЧЁТ"]],
    [["Cafe\u0301"], ["Meet at the Café Łódź", "Оплатить СЧЁТ"]],
  ])("by the tags %j finds them whatever their case and accents", async (tags, titles) => {
    expect(await titlesOf({ tags }, searcher)).toEqual(titles);
  });

  it("finds what was stored before texts were composed", async () => {
    const { id } = await searcher.runForTask("create_task", { title: "x" });
    await ownerQuery("update tasks set title = $1 where user_id = $2 and id = $3", [
      "Ñandú".normalize("NFD"),
      searcher.id,
      id,
    ]);
    expect(await titlesOf({ search: "ñandú" }, searcher)).toEqual(["Ñandú".normalize("NFD")]);
  });

  it("finds a text of characters that stand for several each, however many words of a script without spaces they make", async () => {
    let seed = 1;
    const squares = Array.from({ length: 10_000 }, () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return String.fromCodePoint(0x3300 + (seed % 88));
    });
    const writer = await Person.signUp();
    await writer.run("create_task", { title: "Squares", description: squares.join("") });
    for (const place of [0, 5_000, 9_995]) {
      expect(await titlesOf({ search: squares.slice(place, place + 5).join("") }, writer)).toEqual(["Squares"]);
    }
  });
});

describe("orders", () => {
  it.each([
    ["due", ["done", "november", "started", "december", "undated", "given up"]],
    ["priority", ["started", "november", "december", "done", "undated", "given up"]],
    ["created", ["given up", "done", "november", "started", "december", "undated"]],
    ["updated", ["given up", "done", "november", "started", "december", "undated"]],
  ])("%s: the same tasks whole and page by page", async (order, titles) => {
    expect(await titlesOf({ status: "all", order })).toEqual(titles);

    for (const limit of [1, 2, 4]) {
      const paged: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await person.run("list_tasks", { status: "all", order, limit, ...(cursor && { cursor }) });
        expect(page.tasks.length).toBeLessThanOrEqual(limit);
        paged.push(...page.tasks.map((task) => task.title));
        cursor = page.next_cursor;
      } while (cursor !== undefined);
      expect(paged).toEqual(titles);
    }
  });

  it("shows no task twice and leaves none out when tasks come and go between two pages", async () => {
    const other = await Person.signUp();
    for (const title of ["a", "b", "c", "d"]) await other.run("create_task", { title, due: "2026-12-01" });
    const first = await other.run("list_tasks", { limit: 2 });
    const [gone] = first.tasks;
    await other.run("delete_task", { task_id: gone?.id });
    await other.run("create_task", { title: "earlier", due: "2026-11-01" });

    expect(await titlesOf({ limit: 2, cursor: first.next_cursor }, other)).toEqual(["c", "d"]);
  });

  it("has no next page after the last", async () => {
    expect(await person.run("list_tasks", { limit: 4 })).not.toHaveProperty("next_cursor");
  });
});

describe("a cursor", () => {
  it("of a moment with a far offset goes on from that moment", async () => {
    const cursor = btoa('["due","2026-12-02T03:30:00+23:00",1]');

    expect(await titlesOf({ cursor })).toEqual(["started", "december", "undated"]);
  });

  it("leads past the first day that a task can be due, east of Greenwich", async () => {
    const other = await Person.signUp({ time_zone: "Asia/Tokyo" });
    for (const title of ["a", "b"]) await other.run("create_task", { title, due: "1900-01-01" });
    const { next_cursor: cursor } = await other.run("list_tasks", { limit: 1 });

    expect(await titlesOf({ cursor }, other)).toEqual(["b"]);
  });

  it("of the release before, which has no signature, goes on", async () => {
    expect(await titlesOf({ order: "created", cursor: btoa('["created",3]') })).toEqual(["december", "undated"]);
  });
});
