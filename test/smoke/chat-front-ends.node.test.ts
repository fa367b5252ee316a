import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import type { LoopbackServer } from "../../local/loopback-server.ts";
import type { Browser, Profile } from "../clients/browser.d.mts";
import { quickDatabase } from "../support/cluster-databases.ts";
import { findChromium, POLLING, servePages, Tab } from "../support/front-end-tab.ts";
import { areClientsInstalled } from "../support/installed-clients.ts";
import { makeStartPlace, type StartedServer, type StartPlace, startServer } from "../support/npm-start.ts";
import { calls, Script, says } from "../support/scripted-model.ts";
import { type ShownMessage, shownOf, tasksSchema } from "../support/shown-message.ts";

// Front ends that are not ours, unchanged, in a real browser against `npm start`: only the model is stood in for. What a
// page shows in the end must be what the server has stored.

const chromium = findChromium();
// biome-ignore lint/correctness/useImportExtensions: it takes the name of the types for a part of the file's
const clients = areClientsInstalled() && chromium ? await import("../clients/browser.mjs") : undefined;

const conversationsSchema = z.object({ conversations: z.array(z.object({ id: z.string() })) });

/** A front end's page; `ownId` where it names conversations by itself, and so cannot open one. */
const frontEnds = [
  { name: "useChat of ai 7", page: "use-chat-7", ownId: false },
  { name: "useChat of ai 6", page: "use-chat-6", ownId: false },
  { name: "assistant-ui's runtime of a chat", page: "assistant-ui", ownId: false },
  { name: "assistant-ui's runtime of threads", page: "assistant-ui-threads", ownId: true },
];

describe.skipIf(clients === undefined)("in Chromium (needs npm ci --prefix test/clients, and chromium)", () => {
  let place: StartPlace;
  let server: StartedServer;
  let pages: LoopbackServer;
  let browser: Browser;

  beforeAll(async () => {
    if (clients === undefined || chromium === undefined) throw new Error("not installed");
    place = await makeStartPlace();
    pages = await servePages(await clients.bundlePages());
    [server, browser] = await Promise.all([
      startServer(place, {
        ...(await quickDatabase()),
        OPENAI_API_KEY: "a key",
        OPENAI_BASE_URL: inject("scriptedResponsesUrl"),
        CORS_ORIGINS: pages.url,
      }),
      clients.launchChromium(chromium),
    ]);
  });

  afterAll(async () => {
    await Promise.all([browser?.close(), pages?.close(), place?.remove()]);
  });

  describe.each(frontEnds)("$name", ({ page, ownId }) => {
    let token: string;
    let profile: Profile;
    /** One for all tests: a tab costs more than a page. The tests open others beside it. */
    let main: Tab;
    let tabs: Tab[];
    /** What titles and messages of one test have in them, and of no other. */
    let mark: string;
    let id: string;

    // A person for each front end: messages are limited for each.
    beforeAll(async () => {
      const account = { email: `${page}@example.com`, password: "a password of the tests" };
      ({ token } = z.object({ token: z.string() }).parse(await ask("/api/auth/signup", account)));
      profile = await browser.newContext();
      await profile.addInitScript({ content: `globalThis.server = ${JSON.stringify({ url: server.url, token })}` });
      main = await Tab.open(profile, "about:blank");
    });

    afterAll(() => profile.close());

    beforeEach(() => {
      tabs = [];
      mark = crypto.randomUUID().slice(0, 8);
      id = crypto.randomUUID();
    });

    afterEach(async () => {
      const errors = tabs.flatMap((tab) => tab.errors.splice(0));
      for (const tab of tabs) if (tab !== main) await tab.close();
      expect(errors).toEqual([]);
    });

    async function ask(path: string, body?: object): Promise<unknown> {
      const response = await fetch(`${server.url}${path}`, {
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
      return response.json();
    }

    async function open(): Promise<Tab> {
      // Another fragment alone would not load it anew.
      await main.goto(`${pages.url}/${page}?${mark}#${id}`);
      tabs.push(main);
      await main.untilReady();
      return main;
    }

    const createTask = (title: string) => ask("/mcp/tools/create_task", { title: `${title} ${mark}` });

    async function titles(): Promise<string[]> {
      const { tasks } = tasksSchema.parse(await ask("/mcp/tools/list_tasks", { search: mark }));
      return tasks.map(({ title }) => title.replace(` ${mark}`, "")).sort();
    }

    async function stored(): Promise<ShownMessage[]> {
      const { conversations } = conversationsSchema.parse(await ask("/api/conversations?limit=1"));
      return shownOf(await ask(`/api/conversations/${ownId ? conversations[0]?.id : id}`));
    }

    /** Waits until all tabs show a conversation, and finds the same on the server. */
    async function expectEverywhere(...conversation: ShownMessage[]): Promise<void> {
      for (const tab of tabs) {
        await expect.poll(() => tab.shown(), POLLING).toEqual(conversation);
        await tab.untilReady();
      }
      expect(await stored()).toEqual(conversation);
    }

    it("sends a message, and shows what the agent does and says", async () => {
      const script = await Script.write([
        calls(["create_task", { title: `milk ${mark}` }], ["create_task", { title: `eggs ${mark}` }]),
        says("Added both."),
      ]);
      const tab = await open();
      await tab.say(`add milk and eggs ${script.mark}`);
      await expectEverywhere(
        ["user", `add milk and eggs ${script.mark}`],
        ["assistant", `create_task, done: milk ${mark}`, `create_task, done: eggs ${mark}`, "Added both."],
      );
      expect(await titles()).toEqual(["eggs", "milk"]);
    });

    it.each([
      { answer: "Approve", outcome: (title: string) => `done: ${title}`, left: [] },
      { answer: "Deny", outcome: () => "denied", left: ["eggs"] },
    ] as const)("asks, and goes on after $answer", async ({ answer, outcome, left }) => {
      await createTask("eggs");
      const script = await Script.write([
        calls(["list_tasks", { search: mark }]),
        { output: [{ type: "call", name: "delete_task", arguments: '{"task_id": {{1}}}' }] },
        says("As you say."),
      ]);
      const said = ["user", `delete eggs ${script.mark}`] as const;
      const found = `list_tasks, done: eggs ${mark}`;
      const tab = await open();
      await tab.say(said[1]);
      await expectEverywhere(said, ["assistant", found, "delete_task, waits"]);
      expect(await titles()).toEqual(["eggs"]);
      await tab.click(answer);
      await expectEverywhere(said, ["assistant", found, `delete_task, ${outcome(`eggs ${mark}`)}`, "As you say."]);
      expect(await titles()).toEqual(left);
      expect((await script.record()).requests).toHaveLength(3);
    });

    it("answers anew, and does nothing again", async () => {
      const script = await Script.write([
        calls(["create_task", { title: `milk ${mark}` }]),
        says("Added."),
        says("It is there."),
      ]);
      const said = ["user", `add milk ${script.mark}`] as const;
      const tab = await open();
      await tab.say(said[1]);
      await expectEverywhere(said, ["assistant", `create_task, done: milk ${mark}`, "Added."]);
      await tab.click("Regenerate");
      await expectEverywhere(said, ["assistant", "It is there."]);
      expect(await titles()).toEqual(["milk"]);
    });

    it("puts an edited message in the place of the first, and drops what came after it", async () => {
      const first = await Script.write([calls(["create_task", { title: `milk ${mark}` }]), says("Added.")]);
      const second = await Script.write([says("You are welcome.")]);
      const edited = await Script.write([says("It is there.")]);
      const tab = await open();
      await tab.say(`add milk ${first.mark}`);
      await tab.untilSaid(/Added\./);
      await tab.untilReady();
      await tab.say(`thanks ${second.mark}`);
      await expectEverywhere(
        ["user", `add milk ${first.mark}`],
        ["assistant", `create_task, done: milk ${mark}`, "Added."],
        ["user", `thanks ${second.mark}`],
        ["assistant", "You are welcome."],
      );
      await tab.edit(`is milk there? ${edited.mark}`);
      await expectEverywhere(["user", `is milk there? ${edited.mark}`], ["assistant", "It is there."]);
      expect(await titles()).toEqual(["milk"]);
    });

    if (ownId) return;
    describe("a conversation of a known id", () => {
      const held = (...output: string[]) =>
        Script.write([
          calls(...output.map((title) => ["create_task", { title: `${title} ${mark}` }] as const)),
          { output: [{ type: "text", text: "one two three four" }], holdAfter: 6 },
        ]);

      it("stops the agent in the middle of an answer, and can go on", async () => {
        const script = await held("milk");
        const next = await Script.write([says("Yes.")]);
        const tab = await open();
        await tab.say(`add milk, and tell me ${script.mark}`);
        await tab.untilSaid(/^one/);
        await tab.click("Stop");
        await tab.untilReady();
        const shown = await tab.shown();
        expect(shown).toEqual([
          ["user", `add milk, and tell me ${script.mark}`],
          ["assistant", `create_task, done: milk ${mark}`, expect.stringMatching(/^one(?!.*four)/)],
        ]);
        await expectEverywhere(...shown);
        await expect.poll(async () => (await script.record()).aborted, POLLING).toBe(1);
        await tab.say(`are you there? ${next.mark}`);
        await expectEverywhere(...shown, ["user", `are you there? ${next.mark}`], ["assistant", "Yes."]);
        expect(await titles()).toEqual(["milk"]);
      });

      it("goes on where it was when the page is reloaded in the middle of an answer", async () => {
        const script = await held("milk");
        const tab = await open();
        await tab.say(`add milk, and tell me ${script.mark}`);
        await tab.untilSaid(/^one/);
        await tab.reload();
        await tab.untilSaid(/^one/);
        await script.release();
        await expectEverywhere(
          ["user", `add milk, and tell me ${script.mark}`],
          ["assistant", `create_task, done: milk ${mark}`, "one two three four"],
        );
        expect((await script.record()).requests).toHaveLength(2);
        expect(await titles()).toEqual(["milk"]);
      });

      it("is the same in two tabs: one that comes in the middle, one question answered in both, two messages at once", async () => {
        const script = await held("milk");
        const said = `add milk, and tell me ${script.mark}`;
        const first = await open();
        await first.say(said);
        await first.untilSaid(/^one/);
        const second = await Tab.open(profile, `${pages.url}/${page}#${id}`);
        tabs.push(second);
        await second.untilSaid(/^one/);
        await script.release();
        const told = [
          ["user", said],
          ["assistant", `create_task, done: milk ${mark}`, "one two three four"],
        ] as const;
        await expectEverywhere(...told);

        const deletion = await Script.write([
          calls(["list_tasks", { search: mark }]),
          { output: [{ type: "call", name: "delete_task", arguments: '{"task_id": {{1}}}' }] },
          says("Deleted."),
        ]);
        await first.say(`delete milk ${deletion.mark}`);
        await first.untilSaid(/waits/);
        await second.reload();
        const found = ["assistant", `list_tasks, done: milk ${mark}`] as const;
        await expectEverywhere(...told, ["user", `delete milk ${deletion.mark}`], [...found, "delete_task, waits"]);
        await first.click("Approve");
        await first.untilSaid(/Deleted\./);
        // Its answer is the second to one question: it is told so, and nothing is done again.
        await second.click("Approve");
        await second.untilAlerted(/answered already/);
        expect(second.errors.splice(0)).toEqual([expect.stringContaining("409 (Conflict)")]);
        await second.reload();
        const deleted = [
          ...told,
          ["user", `delete milk ${deletion.mark}`],
          [...found, `delete_task, done: milk ${mark}`, "Deleted."],
        ] as const;
        await expectEverywhere(...deleted);
        expect((await deletion.record()).requests).toHaveLength(3);
        expect(await titles()).toEqual([]);

        const additions = await Promise.all(
          ["bread", "tea"].map((title) =>
            Script.write([calls(["create_task", { title: `${title} ${mark}` }]), says(`Added ${title}.`)]),
          ),
        );
        const words = additions.map((addition) => `add ${addition.mark}`);
        await Promise.all([first.say(words[0] ?? ""), second.say(words[1] ?? "")]);
        await Promise.all([first.untilSaid(/Added bread\./), second.untilSaid(/Added tea\./)]);
        for (const tab of tabs) await tab.reload();
        const shown = await stored();
        await expectEverywhere(...shown);
        const turns = [...words, `create_task, done: bread ${mark}`, `create_task, done: tea ${mark}`];
        const lines = shown.slice(deleted.length).map(([, line]) => line);
        expect(lines.toSorted()).toEqual(turns.toSorted());
        expect(await titles()).toEqual(["bread", "tea"]);
      });
    });
  });
});
