import { getTableColumns } from "drizzle-orm";
import * as z from "zod";
import { showMoment } from "../moment.ts";
import { quote } from "../quote.ts";
import { shorten } from "../shorten.ts";
import { showDue } from "./due.ts";
import { keptMoment, taskFields } from "./task-fields.ts";
import { tasks } from "./task-rows.ts";

/** How much of a text a change shows, as `weigh` counts. */
const LONGEST_TEXT = 40;

const imageSchema = z.record(z.string(), z.unknown());
type Image = z.output<typeof imageSchema>;

/** What the log has of a change of a task: as rows come, or as Postgres' JSON. */
export const loggedChangeSchema = z.object({
  change: z.int(),
  at: z.union([z.date(), keptMoment]),
  via: z.string(),
  /** Who made it: the name of their personal token, or the client's; `via` where there is neither. */
  by: z.string(),
  note: z.string().nullable(),
  undoes: z.int().nullable(),
  overrode: z.int().nullable(),
  operation: z.enum(["baseline", "insert", "update", "delete", "restore"]),
  before: imageSchema.nullable(),
  after: imageSchema.nullable(),
});

export type LoggedChange = z.output<typeof loggedChangeSchema>;

const OPERATIONS = { baseline: "the log begins", insert: "created", delete: "deleted", restore: "restored" };

/**
 * A change of a task in words, in one line: `change 41 · 2026-11-28T15:00:00+01:00 · priority none → high · by "Claude" (mcp) · note
 * "They called."` What anybody may have written stands in quotation marks.
 *
 * @param timeZone the person's, in which moments are shown
 */
export function tellChange(logged: LoggedChange, timeZone: string): string {
  const { change, at, via, by, note, undoes, overrode, operation, before, after } = logged;
  const did = operation === "update" ? tellEdit(before ?? {}, after ?? {}, timeZone) : [OPERATIONS[operation]];
  return [
    `change ${change}`,
    showMoment(at, timeZone),
    ...did,
    undoes !== null && `undoes change ${undoes}`,
    overrode !== null && `overrode claim ${overrode}`,
    operation !== "baseline" && tellMaker({ by, via }),
    note !== null && `note ${quote(note)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Who made a change and which way: `by "Claude" (mcp)`, and `by chat` for what no client has a name in. */
export function tellMaker({ by, via }: Pick<LoggedChange, "by" | "via">): string {
  return `by ${by === via ? via : `${quote(by)} (${via})`}`;
}

/** What of a task was given another value; its version where it is nothing that can be said of a task. */
function tellEdit(before: Image, after: Image, timeZone: string): string[] {
  const told = Object.entries(readers).flatMap(([name, { columns, read }]) =>
    columns.some((column) => column in after) ? [`${name} ${read(before, timeZone)} → ${read(after, timeZone)}`] : [],
  );
  told.push(...tellClaim(before, after, timeZone));
  return told.length > 0 ? told : [`version ${before.version} → ${after.version}`];
}

/** What became of a task's claim. */
function tellClaim(before: Image, after: Image, timeZone: string): string[] {
  if (typeof after.claim === "number") {
    const { claimed_until: until } = after;
    return [typeof until === "string" ? `claimed until ${showMoment(new Date(until), timeZone)}` : "claimed"];
  }
  if (typeof before.claimed_by === "string" && after.claimed_by === null) {
    return [`ended the claim of ${quote(before.claimed_by)}`];
  }
  return Number(after.claim_lapses ?? 0) > 0 ? ["found that its claim had lapsed"] : [];
}

/** How each field is read from an image of some columns, and shown. */
interface Reader {
  readonly columns: readonly string[];
  readonly read: (image: Image, timeZone: string) => string;
}

const { due: _due, scheduled: _scheduled, ...inOneColumn } = taskFields;
const columnsOfTask = getTableColumns(tasks);

const readers: Readonly<Record<string, Reader>> = {
  ...Object.fromEntries(
    Object.entries(inOneColumn).map(([name, { input }]) => {
      const isWord = input instanceof z.ZodEnum;
      return [name, { columns: [name], read: (image: Image) => showValue(image[name], isWord) }];
    }),
  ),
  due: inTwoColumns(columnsOfTask.dueDate.name, columnsOfTask.dueAt.name),
  scheduled: inTwoColumns(columnsOfTask.scheduledDate.name, columnsOfTask.scheduledAt.name),
};

/** How a field is read that is a day or a moment. */
function inTwoColumns(dayColumn: string, momentColumn: string): Reader {
  const columns = z.object({ day: z.string().nullable().default(null), moment: keptMoment.nullable().default(null) });
  return {
    columns: [dayColumn, momentColumn],
    read: (image, timeZone) =>
      showValue(showDue(columns.parse({ day: image[dayColumn], moment: image[momentColumn] }), timeZone), true),
  };
}

function showValue(value: unknown, isWord: boolean): string {
  if (value === undefined || value === null || value === "") return "nothing";
  if (Array.isArray(value))
    return value.length === 0 ? "nothing" : value.map((item) => showValue(item, isWord)).join(", ");
  return isWord || typeof value !== "string" ? String(value) : quote(shorten(value, LONGEST_TEXT));
}
