import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import { ApplicationError } from "../errors.ts";
import type { QueryBuilder } from "./statement.ts";

type Query = BatchItem<"pg">;
export type Queries = readonly [Query, ...Query[]];

/** What the database tells of a call beside its results. */
export interface CallSetting {
  /** When it was made, by the database's clock. */
  readonly now: Date;
  /** The person's IANA time zone. */
  readonly timeZone: string;
  /** The number of the user's last change before it: its queries have seen that change and all before it. */
  readonly lastChange: number;
  /** The first number of the user's log: what was changed before that is not known. */
  readonly logBaseline: number;
}

/** What bounds a call that reads. */
export interface ReadOptions {
  /**
   * How long each of its queries may take at most, in milliseconds, where that depends on what its caller asks for, and
   * what to tell the caller of one that takes longer: it is theirs to make smaller.
   */
  readonly bound?: { readonly milliseconds: number; readonly advice: string };
}

/** What of a person's tasks the queries of a call see. */
export interface SightOptions {
  /** Whether they see deleted tasks too, which row-level security hides from all others. */
  readonly seesDeleted?: boolean | undefined;
}

/** The results of each query of a call that reads, in order. */
export interface ReadCall<Results> extends CallSetting {
  readonly results: Results;
}

/** A call that wrote. */
interface WrittenCall<Results> {
  /** Of each query, in order; undefined where an attempt has done it whose answer was lost. */
  readonly results: Results | undefined;
}

/** A call that was to change tasks. */
export interface TaskCall<Results> extends WrittenCall<Results>, CallSetting {
  /** The user's number of the change; undefined where no task changed. */
  readonly change: number | undefined;
  /** What happened to which task, as `gather_task_changes` has noted it. */
  readonly outcome: readonly unknown[];
  /** What of several items it did not do, and why, as `keep_refused` has kept it. */
  readonly refused: readonly unknown[];
  /** Whether its caller has made the same call before, by its key. */
  readonly isReplay: boolean;
  /** Whether nobody has been told of it before: it is no replay, or its caller was told that it may have been carried out. */
  readonly isFirstTold: boolean;
}

/** What a call that changes tasks is known by, so that it is carried out once however often it is made. */
export interface CallIdentity {
  readonly tool: string;
  /** The caller's own key; undefined where they gave none. */
  readonly key: string | undefined;
  /** The SHA-256 of its input, in hex. */
  readonly inputHash: string;
  /** What the log of changes keeps of why it was done. */
  readonly note?: string | undefined;
  /** The versions that tasks must still have, by their ids; undefined for any. */
  readonly versions?: ReadonlyMap<number, number> | undefined;
  /** The number of the claim under which its caller changes tasks: it must be the last of each, and not have ended. */
  readonly claim?: number | undefined;
  /** When the rules of its tasks recur, as far as its caller has reckoned (drizzle/0039_recurrence.sql). */
  readonly occurrences?: readonly object[] | undefined;
  /** The live claims that the person was shown who has said yes to overriding them, by the ids of their tasks. */
  readonly overrides?: ReadonlyMap<number, number> | undefined;
}

/** A task has another version than the person was shown who said yes to the call; nothing was changed. */
export class TaskChangedSince extends ApplicationError {
  constructor(cause: unknown) {
    super("conflict", "The task has changed since; nothing was changed.", { cause });
  }
}

/** The database has to be told more of when tasks recur before it can carry the call out; nothing was changed. */
export class UnknownOccurrences extends ApplicationError {
  /** What it asks, JSON. */
  readonly detail: string;

  constructor(detail: string, cause: unknown) {
    super("internal", "Something went wrong on our side; nothing was changed.", { cause });
    this.detail = detail;
  }
}

/** Somebody else holds a live claim of the task; nothing was changed. A person may override it. */
export class TaskClaimed extends ApplicationError {
  readonly taskId: number;

  constructor(taskId: number, message: string, cause: unknown) {
    super("conflict", message, { cause });
    this.taskId = taskId;
  }
}

/** A call that was to do all or nothing, and cannot do all: what it would have been refused. Nothing was changed. */
export class ItemsRefused extends ApplicationError {
  readonly refused: readonly unknown[];
  /** The person's. */
  readonly timeZone: string;

  constructor(refused: readonly unknown[], timeZone: string, cause: unknown) {
    super("conflict", "Not all can be done; nothing was changed.", { cause });
    this.refused = refused;
    this.timeZone = timeZone;
  }
}

/** A key that its caller has used before, for another call. */
export class KeyInUse extends Error {
  override readonly name = "KeyInUse";
  readonly tool: string;
  readonly outcome: readonly unknown[];
  /** The person's. */
  readonly timeZone: string;

  constructor(tool: string, outcome: readonly unknown[], timeZone: string) {
    super("the key belongs to another call");
    this.tool = tool;
    this.outcome = outcome;
    this.timeZone = timeZone;
  }
}

/**
 * The database as one user's: row-level security lets every query see their rows alone, and each call makes sure that
 * their credential still counts. Every method makes one HTTP request, which is one transaction, and repeats it where
 * its answer is lost and that is safe.
 */
export interface UserDatabase {
  /** Whose it is: every query names them as well. */
  readonly userId: number;

  /** The same database for a call that may be given up: what was not sent by then is not sent. */
  until(signal: AbortSignal): UserDatabase;

  /**
   * Makes sure that the credential still counts, for a request that asks nothing else of the database.
   *
   * @param since `lately` relies on what this isolate has learned in the last 60 seconds; `now` asks
   * @throws ApplicationError `unauthenticated`, `unavailable`
   */
  checkCredential(since: "lately" | "now"): Promise<void>;

  /**
   * Runs queries that change nothing.
   *
   * @throws ApplicationError `unauthenticated` for a token signed out, `unavailable`, `internal`; `invalid_input` where a
   *   query takes longer than its bound
   */
  read<const Asked extends Queries>(
    build: (query: QueryBuilder) => Asked,
    options?: ReadOptions & SightOptions,
  ): Promise<ReadCall<BatchResponse<Asked>>>;

  /**
   * Runs queries that change something else than tasks.
   *
   * @param name what is done, in snake_case
   * @param options which credentials of the user do not count afterwards; the sessions of a site are sign-ins
   * @throws ApplicationError `unauthenticated`, `internal`; `unavailable`, which says whether anything was changed
   */
  write<const Asked extends Queries>(
    name: string,
    build: (query: QueryBuilder) => Asked,
    options?: { readonly ends?: "this credential" | "sign-ins" | "all credentials" },
  ): Promise<WrittenCall<BatchResponse<Asked>>>;

  /**
   * Runs queries that change tasks.
   *
   * @throws ApplicationError as `write`, and `TaskChangedSince`, `TaskClaimed`, `ItemsRefused`
   * @throws KeyInUse
   */
  changeTasks<const Asked extends Queries>(
    call: CallIdentity,
    build: (query: QueryBuilder) => Asked,
    options?: SightOptions,
  ): Promise<TaskCall<BatchResponse<Asked>>>;
}
