import { sql } from "drizzle-orm";
import { showMoment } from "../moment.ts";
import { type Task, toBriefTask } from "./task.ts";
import { computedColumns, type TaskRow, taskColumns, tasks } from "./task-rows.ts";

/** A task as it is read for a list. */
export interface TaskInList extends Task {
  /** Its beginning, where it is longer than that. */
  readonly description: string;
  readonly isDescriptionWhole: boolean;
  /** When it was deleted; absent where it is there. */
  readonly deleted_at?: string;
  /** The change that deleted it; absent where it is there. */
  readonly last_change?: number;
}

/** How much of a description is read for a list, in code points. */
const BEGINNING = 400;

/** The columns that a `TaskInList` is read from. */
export const listedColumns = {
  ...taskColumns,
  ...computedColumns,
  description: sql<string>`left(${tasks.description}, ${sql.raw(`${BEGINNING}`)})`,
  isDescriptionWhole: sql<boolean>`char_length(${tasks.description}) <= ${sql.raw(`${BEGINNING}`)}`,
  deletedAt: tasks.deletedAt,
  lastChange: tasks.lastChange,
};

/** As `listedColumns`, with descriptions whole. */
export const detailedColumns = {
  ...listedColumns,
  description: tasks.description,
  isDescriptionWhole: sql<boolean>`true`,
};

interface ListedRow extends TaskRow {
  readonly isDescriptionWhole: boolean;
  readonly deletedAt: Date | null;
  readonly lastChange: number;
}

/**
 * Turns a row into a task of a list.
 *
 * @param timeZone the person's, in which moments are shown
 */
export function toTaskInList(row: ListedRow, timeZone: string): TaskInList {
  const { isDescriptionWhole, deletedAt, lastChange } = row;
  return {
    ...toBriefTask(row, timeZone),
    isDescriptionWhole,
    ...(deletedAt !== null && { deleted_at: showMoment(deletedAt, timeZone), last_change: lastChange }),
  };
}

/** As `listedColumns` reads a description. */
export function beginningOf(description: string): Pick<TaskInList, "description" | "isDescriptionWhole"> {
  const characters = Array.from(description);
  return {
    description: characters.slice(0, BEGINNING).join(""),
    isDescriptionWhole: characters.length <= BEGINNING,
  };
}
