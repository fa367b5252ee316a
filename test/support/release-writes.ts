import { expect } from "vitest";
import { z } from "zod";
import type { Release } from "./mixed-releases.ts";
import type { ReleaseStory } from "./release-story.ts";

// What happens to tasks where one release knows claims, deleted tasks and undo, and the other does not. The release before
// has no change to tell of; this one does.

const RELEASES: readonly Release[] = ["before", "now"];
const WRITES_IN_TURN = 6;

const changedSchema = z.object({ change: z.int() });
const taskSchema = z.object({ tasks: z.tuple([z.looseObject({ id: z.int(), version: z.int() })]) });
const numbersSchema = z.tuple([z.object({ last_change: z.coerce.number(), changes: z.coerce.number() })]);

/** Runs a tool of this release, and tells the number of its change. */
async function changeOf(story: ReleaseStory, tool: string, input: object): Promise<number> {
  const response = await story.send("now", "POST", `/mcp/tools/${tool}`, input);
  const answer: unknown = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return changedSchema.parse(answer).change;
}

async function statusOf(story: ReleaseStory, release: Release, tool: string, input: object): Promise<number> {
  const response = await story.send(release, "POST", `/mcp/tools/${tool}`, input);
  await response.text();
  return response.status;
}

/** Makes a task that stays. */
async function make(story: ReleaseStory, release: Release): Promise<{ readonly id: number; readonly title: string }> {
  const title = story.newTitle();
  const [task] = await story.call(release, "create_task", { title });
  story.titles.add(title);
  return { id: z.int().parse(task?.id), title };
}

async function read(story: ReleaseStory, release: Release, id: number) {
  const response = await story.send(release, "POST", "/mcp/tools/get_task", { task_id: id });
  return taskSchema.parse(await response.json()).tasks[0];
}

/** A task that an agent of this release has claimed: the release before reads it, and may not change it until it is given back. */
export async function meetClaim(story: ReleaseStory, maker: Release): Promise<void> {
  const { id, title } = await make(story, maker);
  const claim = await changeOf(story, "update_task", { task_id: id, claim_minutes: 30 });
  const change = { task_id: id, title: "Overwritten" };
  expect(await statusOf(story, "before", "update_task", change)).toBe(409);
  expect(await statusOf(story, "before", "update_task", { ...change, expected_version: 1 })).toBe(409);
  // That release knows no conflict of these two.
  expect(await story.call("before", "complete_task", { task_id: id })).toMatchObject([
    { status: "pending", version: 1 },
  ]);
  expect(await statusOf(story, "before", "delete_task", { task_id: id })).toBe(404);
  expect(await read(story, "before", id)).toMatchObject({ title, status: "pending", version: 1 });
  await changeOf(story, "update_task", { task_id: id, claim, priority: "high" });
  await changeOf(story, "update_task", { task_id: id, claim, release: true });
  expect(await story.call("before", "complete_task", { task_id: id })).toMatchObject([{ title, version: 3 }]);
  expect(await read(story, "now", id)).toMatchObject({ status: "completed", priority: "high" });
}

/** A task that recurs: whichever release completes it, there is the next one, and no second where the other completes it again. */
export async function meetRecurrence(story: ReleaseStory, completer: Release): Promise<void> {
  const title = story.newTitle();
  const [task] = await story.call("now", "create_task", {
    title,
    due: "2030-01-31",
    recurrence: "FREQ=MONTHLY;BYMONTHDAY=-1",
  });
  const id = z.int().parse(task?.id);
  story.titles.add(title);
  let next: unknown;
  const again = RELEASES.find((release) => release !== completer) ?? completer;
  for (const release of [completer, again]) {
    expect(await statusOf(story, release, "complete_task", { task_id: id }), release).toBe(200);
    expect(await statusOf(story, release, "update_task", { task_id: id, status: "pending" }), release).toBe(200);
  }
  expect(await statusOf(story, completer, "complete_task", { task_id: id })).toBe(200);
  for (const release of RELEASES) {
    const listed = await story.call(release, "list_tasks", { status: "all", search: title });
    expect(listed, release).toMatchObject([
      { id, due: "2030-01-31" },
      { due: "2030-02-28", status: "pending" },
    ]);
    next = listed[1]?.id;
  }
  await story.call("now", "delete_task", { task_id: next });
}

/** A task that one of the releases has deleted is there for neither, and for both once that was undone. */
export async function meetDeletion(story: ReleaseStory, deleter: Release): Promise<void> {
  const { id, title } = await make(story, deleter);
  await story.call(deleter, "delete_task", { task_id: id });
  for (const release of RELEASES) {
    for (const tool of ["get_task", "complete_task", "delete_task"]) {
      expect(await statusOf(story, release, tool, { task_id: id }), `${release}: ${tool}`).toBe(404);
    }
    expect(await statusOf(story, release, "update_task", { task_id: id, title: "Back" }), release).toBe(404);
    expect(await story.call(release, "list_tasks", { status: "all", search: `"${title}"` })).not.toContainEqual(
      expect.objectContaining({ id }),
    );
  }
  const deletion = await changeOf(story, "list_tasks", { limit: 1 });
  await changeOf(story, "update_task", { undo: deletion });
  for (const release of RELEASES)
    expect(await read(story, release, id)).toMatchObject({ id, title, status: "pending" });
}

/** What one release has changed is undone, and the other goes on from what is there then. */
export async function meetUndo(story: ReleaseStory, changer: Release): Promise<void> {
  const { id, title } = await make(story, changer);
  await story.call(changer, "update_task", { task_id: id, priority: "urgent", title: "Changed by mistake" });
  const undone = await changeOf(story, "list_tasks", { limit: 1 });
  await changeOf(story, "update_task", { undo: undone });
  expect(await read(story, "before", id)).toMatchObject({ title, priority: "none", version: 3 });
  const stale = { task_id: id, priority: "low", expected_version: 2 };
  expect(await statusOf(story, "before", "update_task", stale)).toBe(409);
  const [changed] = await story.call("before", "update_task", { ...stale, expected_version: 3 });
  expect(changed).toMatchObject({ title, version: 4 });
  // What the release before has changed since is in the way of nothing but a change of the same field.
  expect(await statusOf(story, "now", "update_task", { undo: undone + 1 })).toBe(409);
}

/** Both change one task in turn: each from what the other has left, and the log has it all without a gap. */
export async function writeInTurn(story: ReleaseStory, first: Release, second: Release): Promise<void> {
  const { id, title } = await make(story, first);
  const begun = await changeOf(story, "list_tasks", { limit: 1 });
  for (let turn = 1; turn <= WRITES_IN_TURN; turn += 1) {
    const input = { task_id: id, description: `Turn ${turn}`, expected_version: turn };
    const written = await story.call(turn % 2 === 1 ? second : first, "update_task", input);
    expect(written).toMatchObject([{ id, title, version: turn + 1 }]);
  }
  for (const release of RELEASES) {
    expect(await read(story, release, id)).toMatchObject({ description: `Turn ${WRITES_IN_TURN}` });
  }
  expect(await changeOf(story, "list_tasks", { limit: 1 })).toBe(begun + WRITES_IN_TURN);
  const { rows } = await story.releases.owner.query(
    `select last_change, (select count(*) from changes where changes.user_id = users.id) as changes
     from users where email = 'releases@example.com'`,
  );
  const [{ last_change, changes }] = numbersSchema.parse(rows);
  expect(changes).toBe(last_change);
}
