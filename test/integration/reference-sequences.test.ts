import { expect, it } from "vitest";
import { z } from "zod";
import { expectWholeLog } from "../support/change-log.ts";
import { ownerQuery } from "../support/owner.ts";
import { Person, problemOf } from "../support/person.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { deleteRow } from "../support/undoing.ts";

const MOST_LEVELS = 5;
const STEPS = 90;

const rowsSchema = z.array(
  z.object({ id: z.int(), parent_id: z.int().nullable(), blocked_by: z.array(z.int()), is_there: z.boolean() }),
);
type Row = z.output<typeof rowsSchema>[number];

/** All tasks of a person, deleted ones too. */
async function rowsOf(person: Person): Promise<Map<number, Row>> {
  const rows = await ownerQuery(
    "select id, parent_id, blocked_by, deleted_at is null as is_there from tasks where user_id = $1 order by id",
    [person.id],
  );
  return new Map(rowsSchema.parse(rows).map((row) => [row.id, row]));
}

/** How many levels a task is below the top, as far as the rows are there; none where it never comes to one. */
function levelOf(rows: ReadonlyMap<number, Row>, id: number): number {
  let level = 0;
  for (let row = rows.get(id); row !== undefined; row = rows.get(row.parent_id ?? 0)) {
    if (!rows.has(row.parent_id ?? 0)) return level;
    level += 1;
    if (level > rows.size) return Number.POSITIVE_INFINITY;
  }
  return level;
}

function waitsForItself(rows: ReadonlyMap<number, Row>, id: number): boolean {
  const seen = new Set<number>();
  const next = [...(rows.get(id)?.blocked_by ?? [])];
  for (let other = next.pop(); other !== undefined; other = next.pop()) {
    if (other === id) return true;
    if (seen.has(other)) continue;
    seen.add(other);
    next.push(...(rows.get(other)?.blocked_by ?? []));
  }
  return false;
}

/** Which rules tasks break, by the field. */
function brokenBy(rows: ReadonlyMap<number, Row>): string[] {
  const ids = [...rows.keys()];
  return [
    ...(ids.some((id) => levelOf(rows, id) > MOST_LEVELS) ? ["parent_id"] : []),
    ...(ids.some((id) => waitsForItself(rows, id)) ? ["blocked_by"] : []),
  ];
}

/** Makes sure that the table which is made of the rows has what they say. */
async function expectDerived(person: Person, rows: ReadonlyMap<number, Row>): Promise<void> {
  const kept = await ownerQuery(
    "select task_id, blocker_id from task_blockers where user_id = $1 order by task_id, blocker_id",
    [person.id],
  );
  const said = [...rows.values()].flatMap(({ id, blocked_by: blockers }) =>
    blockers
      .filter((blocker) => rows.has(blocker))
      .toSorted((one, other) => one - other)
      .map((blocker) => ({ task_id: id, blocker_id: blocker })),
  );
  expect(kept).toEqual(said);
}

it.each([1, 2])(
  "no sequence of edits, deletions and undos makes a circle or too deep a tree (seed %i)",
  async (seed) => {
    const person = await Person.signUp();
    const random = seededRandom(seed);
    const pick = <Item>(items: readonly Item[]): Item => {
      const item = items[Math.floor(random() * items.length)];
      if (item === undefined) throw new Error("there is nothing to pick from");
      return item;
    };
    for (let made = 0; made < 8; made += 1) {
      await person.run("create_task", { title: `Task ${made}`, ...(made % 3 > 0 && { parent_id: made }) });
    }
    const refused = { parent_id: 0, blocked_by: 0, undo: 0 };
    for (let step = 0; step < STEPS; step += 1) {
      const before = await rowsOf(person);
      const there = [...before.values()].filter((row) => row.is_there).map(({ id }) => id);
      const [id, other] = [pick(there), pick(there)];
      const [{ last_change: last } = {}] = await ownerQuery("select last_change from users where id = $1", [person.id]);
      const act = pick([
        "parent",
        "parent",
        "parent",
        "block",
        "block",
        "block",
        "undo",
        "undo",
        "undo",
        "delete",
        "gone",
      ]);
      if (act === "parent" || act === "block") {
        const edit = act === "parent" ? { parent_id: other } : { blocked_by: [other, pick(there)] };
        const isClear = random() < 0.1;
        const field = act === "parent" ? "parent_id" : "blocked_by";
        const response = await person.call("update_task", { task_id: id, ...(isClear ? { clear: [field] } : edit) });
        const row = before.get(id);
        if (row === undefined) throw new Error("the task is there");
        const asked = new Map(before).set(id, { ...row, ...(isClear ? {} : edit) });
        // It is refused where a rule would be broken, and only there.
        const broken = isClear ? [] : brokenBy(asked);
        expect(response.status, `${JSON.stringify(edit)} of #${id}: ${await response.clone().text()}`).toBe(
          broken.length > 0 ? 400 : 200,
        );
        if (broken.length > 0) {
          expect((await problemOf(response)).errors).toMatchObject([{ field }]);
          refused[field] += 1;
          expect(await rowsOf(person)).toEqual(before);
        }
      } else if (act === "undo") {
        const response = await person.call("update_task", { undo: Math.ceil(random() * Number(last)) });
        if (response.status === 409) {
          const { detail } = await problemOf(response);
          if (/cannot be undone: (?:parent_id|blocked_by) must/.test(detail)) refused.undo += 1;
          expect(await rowsOf(person)).toEqual(before);
        }
      } else if (there.length > 5) {
        await (act === "delete" ? person.run("delete_task", { task_id: id }) : deleteRow(person, id));
      }
      const after = await rowsOf(person);
      expect(brokenBy(after), `after step ${step}, ${act}`).toEqual([]);
      await expectDerived(person, after);
    }
    expect(refused.parent_id, "refused for the tree").toBeGreaterThan(0);
    expect(refused.blocked_by, "refused for the order").toBeGreaterThan(0);
    await expectWholeLog(person.id);
  },
);
