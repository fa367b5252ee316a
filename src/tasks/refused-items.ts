import { type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { missingReference } from "../database/refused-reference.ts";
import { ItemsRefused } from "../database/user-database.ts";
import { ApplicationError, type ErrorKind } from "../errors.ts";
import { listFirst } from "../excerpt.ts";
import { limitReached } from "../limits.ts";
import { showMoment } from "../moment.ts";
import { quote } from "../quote.ts";
import { tellLimit } from "./task-edit.ts";
import { keptMoment } from "./task-fields.ts";

/** One of several items that a call has not done, and why. */
export interface FailedItem {
  readonly task_id?: number | undefined;
  /** Its place among the items that were given, from 0 on, where it has no id yet. */
  readonly index?: number | undefined;
  readonly error: ErrorKind;
  readonly message: string;
}

/** What a call has left as it was. */
export interface LeftItems {
  readonly failed: readonly FailedItem[];
  /** The tasks that were already as they were to be. */
  readonly unchanged: ReadonlySet<number>;
}

/** An item as `keep_refused` has kept it, by this release or another. */
const refusedSchema = z.object({
  task_id: z.int().optional(),
  index: z.int().optional(),
  why: z.string(),
  status: z.string().optional(),
  given: z.int().optional(),
  field: z.string().optional(),
  claimed_by: z.string().nullish(),
  claimed_until: keptMoment.nullish(),
});
type RefusedItem = z.output<typeof refusedSchema>;

/** Why an item is left as it is, and what is told of that, as `readRefused` takes it. */
export function refusal(why: string, told: Readonly<Record<string, SQL | number | string>> = {}): SQL {
  const parts = Object.entries(told).map(
    ([name, value]) =>
      sql`${name}::text, ${typeof value === "string" ? sql`${value}::text` : typeof value === "number" ? sql`${value}::bigint` : value}`,
  );
  return sql`jsonb_build_object(${sql.join([sql`'why', ${why}::text`, ...parts], sql`, `)})`;
}

/** Reads what a call has refused, its moments in a person's time zone. */
export function readRefused(refused: readonly unknown[], timeZone: string): LeftItems {
  const items = z.array(refusedSchema).parse(refused);
  const isUnchanged = ({ why }: RefusedItem) => why === "unchanged";
  return {
    failed: items
      .filter((item) => !isUnchanged(item))
      .map((item) => ({
        ...(item.task_id === undefined ? { index: item.index } : { task_id: item.task_id }),
        ...tellWhy(item, timeZone),
      })),
    unchanged: new Set(items.filter(isUnchanged).flatMap(({ task_id: id }) => id ?? [])),
  };
}

/** An item that failed, in words that follow a sentence's beginning: `#5: Task not found`. */
export function tellFailed({ task_id: id, index, message }: Omit<FailedItem, "error">): string {
  return `${id === undefined ? `tasks.${index}` : `#${id}`}: ${message}`;
}

/** What a call that was to do all or nothing throws in place of `ItemsRefused`: it names what fails and why. */
export function allOrNothing(error: unknown): unknown {
  if (!(error instanceof ItemsRefused)) return error;
  const { failed } = readRefused(error.refused, error.timeZone);
  const named = listFirst(failed, tellFailed);
  return new ApplicationError("conflict", `Nothing was changed, as not all can be done: ${named}.`, {
    cause: error,
  });
}

/** What a call about a single item throws in place of `ItemsRefused`: what is wrong with that one. */
export function refusalOfOne(error: unknown): unknown {
  if (!(error instanceof ItemsRefused)) return error;
  const [item] = z.array(refusedSchema).parse(error.refused);
  if (item === undefined) return error;
  if (item.why === "missing") return missingReference(item.field ?? "", item.given ?? 0);
  const { error: kind, message } = tellWhy(item, error.timeZone);
  return new ApplicationError(kind, message, { cause: error });
}

function tellWhy(item: RefusedItem, timeZone: string): Pick<FailedItem, "error" | "message"> {
  const { claimed_by: holder, claimed_until: until, given, field, status, why } = item;
  const untilThen = until === null || until === undefined ? "" : ` until ${showMoment(until, timeZone)}`;
  switch (why) {
    case "not_found":
      return { error: "not_found", message: "Task not found" };
    case "claimed":
      return {
        error: "conflict",
        message: `claimed by ${quote(holder ?? "")}${untilThen}; only its holder may change it, with the claim's number as claim`,
      };
    case "claim_lost": {
      const since = holder ? `${quote(holder)} claimed it after that${untilThen}` : "it was ended, or never made";
      return { error: "conflict", message: `claim ${given} does not hold: ${since}` };
    }
    case "not_open":
      return {
        error: "conflict",
        message: `it is ${status}; only a task that is pending or in_progress can be claimed`,
      };
    case "tasks": {
      const { kind, message } = limitReached("tasks", given ?? 0);
      return { error: kind, message };
    }
    case "missing": {
      const { refused } = missingReference(field ?? "", given ?? 0);
      return { error: "invalid_input", message: `${refused.field} ${refused.message}` };
    }
    default: {
      const limit = tellLimit(why);
      return limit === undefined
        ? { error: "conflict", message: "it was not changed" }
        : { error: "invalid_input", message: limit };
    }
  }
}
