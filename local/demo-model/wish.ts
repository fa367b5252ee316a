import type { PRIORITIES } from "./vocabulary.ts";

type Priority = (typeof PRIORITIES)[number] | "none";
export type Status = "pending" | "in_progress" | "completed" | "cancelled";

/** What a task is made with, as `create_task` takes it. */
export interface NewTask {
  readonly title: string;
  readonly due?: string;
  readonly scheduled?: string;
  readonly estimate_minutes?: number;
  readonly recurrence?: string;
  readonly recurrence_from?: "completion";
  readonly priority?: Priority;
  readonly tags?: readonly string[];
}

/** What `list_tasks` is asked for. */
interface Filter {
  readonly status: "open" | "ready" | "all" | Status;
  readonly tags?: readonly string[];
  readonly priority?: Priority;
  readonly due?: "overdue" | "this_week" | "no_date";
  readonly due_from?: string;
  readonly due_before?: string;
  readonly completed_from?: string;
  readonly completed_before?: string;
  readonly search?: string;
  readonly order?: "priority" | "created" | "updated";
}

/** Which tasks a list is about. */
export interface Selection {
  /** Without a status where the words name none. */
  readonly filter: Omit<Filter, "status"> & Partial<Pick<Filter, "status">>;
  /** Whether they speak of all tasks, and so of those that are finished too. */
  readonly saysAll: boolean;
}

/** What `list_tasks` is asked for that lists no tasks. */
export type Overview =
  | { readonly digest: true }
  | { readonly due?: "this_week"; readonly group_by: "status" | "tag" | "day" };

/** How a person calls one task. */
export type Name =
  | { readonly type: "number"; readonly id: number }
  | { readonly type: "title"; readonly words: string; readonly isQuoted: boolean; readonly list?: string };

/** Which tasks a person means: all that fit, or those that they name. */
export type Target =
  | { readonly type: "all"; readonly selection: Selection }
  /** Of several ways to take the words apart, the first whose names are all titles of tasks counts. */
  | { readonly type: "named"; readonly readings: readonly (readonly Name[])[] };

/** Tasks that are named one by one. */
export type Named = Extract<Target, { type: "named" }>;

/** What a task can say of others. */
export type Relation = "blocked_by" | "parent_id";

/** What is done to a task. */
export type Change =
  | { readonly type: "set"; readonly fields: Readonly<Record<string, unknown>> }
  /** It is told of other tasks: that they are in its way, or that it is part of one. */
  | { readonly type: "relate"; readonly relation: Relation; readonly to: Named }
  /** Its day moves on by a span. */
  | { readonly type: "postpone"; readonly by: (day: string) => string };

/** What a sentence asks of a task list, as far as the demo model understands English. */
export type Wish =
  | {
      readonly type: "add";
      readonly tasks: readonly NewTask[];
      /** What they are subtasks of. */
      readonly parent?: Named;
      readonly notes: readonly string[];
    }
  | { readonly type: "list"; readonly selection: Selection; readonly isCount: boolean }
  /** How things stand: a digest, or how many tasks there are of each kind. */
  | { readonly type: "overview"; readonly input: Overview }
  | { readonly type: "show"; readonly target: Target }
  | {
      readonly type: "change";
      readonly tool: "complete_task" | "delete_task" | "update_task";
      readonly target: Target;
      /** Tasks in another state are told of, and left alone. */
      readonly among: readonly Status[];
      readonly change: Change;
      readonly notes: readonly string[];
    }
  /** Takes changes back by their numbers, or the last that were made here. */
  | { readonly type: "undo"; readonly changes?: readonly number[] }
  /** Claims so many of the tasks that are ready. */
  | { readonly type: "claim_next"; readonly count: number }
  /** The tasks are named, the day is not. */
  | {
      readonly type: "no_day";
      readonly target: Target;
      readonly field: "due" | "scheduled";
      readonly problem: Unclear | undefined;
    }
  /** A yes or a no, which counts only as an answer to a question. */
  | { readonly type: "yes_or_no" }
  /** A no to a question of which task, or which day. */
  | { readonly type: "never_mind" }
  /** Words of politeness only. */
  | { readonly type: "greeting" }
  | { readonly type: "unclear"; readonly what: string; readonly hint: string };

/** What words behind a task say of it. */
export interface Modifiers {
  readonly due?: string;
  readonly scheduled?: string;
  readonly estimate_minutes?: number;
  readonly recurrence?: string;
  readonly recurrence_from?: "completion";
  readonly priority?: Priority;
  readonly status?: Status;
  readonly tags: readonly string[];
  readonly notes: readonly string[];
  /** A phrase among them that says nothing certain. */
  readonly unclear?: Unclear;
}

/** A sentence, or a part of one, that is not understood: nothing is done then. */
export type Unclear = Extract<Wish, { type: "unclear" }>;

/** Says what was not understood, and what would be. */
export function unclear(what: string, hint: string): Unclear {
  return { type: "unclear", what, hint };
}
