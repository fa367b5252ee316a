import type { End, Expected, ExpectedFields } from "./eval-case.ts";
import type { TaskState } from "./task-state.ts";

/** What a new task has of which nothing else is said; all other fields of it are free. */
const UNASKED: ExpectedFields = {
  status: "pending",
  due: null,
  scheduled: null,
  recurrence: null,
  recurrence_from: null,
  parent_id: null,
  blocked_by: [],
};

/** Why the rows are not those that a turn has to end in; empty where they are. */
export function faultsOfRows(before: readonly TaskState[], after: readonly TaskState[], end: End): string[] {
  const { changed = {}, added = [], gone = [] } = end;
  const kept = before.flatMap((task) => {
    const now = after.find(({ id }) => id === task.id);
    const name = `#${task.id} "${task.title}"`;
    if (gone.includes(task.id)) return now === undefined ? [] : [`${name} is still there`];
    if (now === undefined) return [`${name} is gone`];
    return faultsOfTask(now, { ...asItWas(task), ...changed[task.id] }, after).map((fault) => `${name}: ${fault}`);
  });
  const isNew = (task: TaskState) => before.every(({ id }) => id !== task.id);
  return [...kept, ...faultsOfNew(after.filter(isNew), added, after)];
}

/** Why an answer is not what a turn has to be answered with; empty where it is. */
export function faultsOfAnswer(answer: string, { says = [], saysNot = [], asks = false }: End): string[] {
  const isSaid = (what: string | RegExp) =>
    typeof what === "string" ? fold(answer).includes(fold(what)) : what.test(answer);
  return [
    ...says.filter((what) => !isSaid(what)).map((what) => `the answer does not say ${tell(what)}`),
    ...saysNot.filter(isSaid).map((what) => `the answer says ${tell(what)}`),
    ...(asks && !/[?\uFF1F]/.test(answer) ? ["the answer asks nothing"] : []),
  ];
}

function faultsOfNew(
  rows: readonly TaskState[],
  expected: readonly ExpectedFields[],
  after: readonly TaskState[],
): string[] {
  const left = new Set(rows);
  const missing = expected.flatMap((fields) => {
    const wanted = { ...UNASKED, ...fields };
    const [nearest] = [...left]
      .map((row) => ({ row, faults: faultsOfTask(row, wanted, after) }))
      .toSorted((one, other) => one.faults.length - other.faults.length);
    if (nearest?.faults.length === 0) {
      left.delete(nearest.row);
      return [];
    }
    const near = nearest === undefined ? "" : `; the nearest is "${nearest.row.title}": ${nearest.faults.join(", ")}`;
    return [`no new task is ${tellFields(fields)}${near}`];
  });
  const unasked = missing.length > 0 ? [] : [...left].map(({ title }) => `"${title}" was added, unasked`);
  return [...missing, ...unasked];
}

function faultsOfTask(task: TaskState, expected: ExpectedFields, rows: readonly TaskState[]): string[] {
  return Object.entries(expected).flatMap(([field, wanted]) => {
    const value: unknown = Reflect.get(task, field);
    return holds(value, wanted, rows) ? [] : [`${field} is ${tell(value)}, not ${tell(wanted)}`];
  });
}

function holds(value: unknown, wanted: Expected, rows: readonly TaskState[]): boolean {
  if (wanted instanceof RegExp) return typeof value === "string" && wanted.test(value);
  if (Array.isArray(wanted)) return Array.isArray(value) && inOrder(value) === inOrder(wanted);
  if (typeof wanted === "object" && wanted !== null && "holds" in wanted) return wanted.holds(value, rows);
  return value === wanted;
}

function asItWas(task: TaskState): ExpectedFields {
  const { id: _id, ...fields } = task;
  return fields;
}

function inOrder(list: readonly unknown[]): string {
  return list
    .map((item) => String(item).toLowerCase())
    .sort()
    .join("\n");
}

/** A text without case, accents and the kinds of apostrophes. */
function fold(text: string): string {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").replaceAll("’", "'").toLowerCase();
}

function tellFields(fields: ExpectedFields): string {
  return Object.entries(fields)
    .map(([field, wanted]) => `${field} ${tell(wanted)}`)
    .join(", ");
}

function tell(value: unknown): string {
  if (value instanceof RegExp) return String(value);
  if (typeof value === "object" && value !== null && "wants" in value) return String(value.wants);
  return JSON.stringify(value);
}
