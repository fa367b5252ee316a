/** A task as docs/claims.md has it, without a database. Moments are minutes by the clock of claims. */
export interface ModelTask {
  readonly id: number;
  title: string;
  isCompleted: boolean;
  isDeleted: boolean;
  version: number;
  /** The number of its last claim, and who holds it: nobody once it has ended. */
  claim: number | undefined;
  holder: string | undefined;
  /** Until when; undefined where it has ended, or has lapsed and that was counted. */
  until: number | undefined;
  lapses: number;
}

type Content = Pick<ModelTask, "title" | "isCompleted" | "isDeleted">;

/** What a call says of claims: an agent's, the number under which it acts; a person's, the one that they have seen and override. */
export type Standing = { readonly given: number | undefined } | { readonly overrides: number | undefined };

/** What becomes of a claim: it is taken, or renewed where the call names one; or it ends. */
export type ModelLease = { readonly holder: string; readonly minutes: number } | "release";

/** What a call came to: whether it was let, and the number of its change where it made one. */
export interface ModelAnswer {
  readonly isLet: boolean;
  readonly change?: number;
}

/** What agents and a person may do to tasks that can be claimed: the rules, by which the database is measured. */
export class ClaimModel {
  readonly tasks: readonly ModelTask[];
  now = 0;
  lastChange: number;
  /** The numbers of all claims that were ever made. */
  readonly claims: number[] = [];
  readonly #undoable = new Map<ModelTask, { change: number; before: Content }[]>();

  constructor(tasks: number, lastChange: number) {
    this.lastChange = lastChange;
    this.tasks = Array.from({ length: tasks }, (_, index) => ({
      ...{ id: index + 1, title: "One of many", isCompleted: false, isDeleted: false, version: 1, lapses: 0 },
      ...{ claim: undefined, holder: undefined, until: undefined },
    }));
  }

  /** A call that changes a task, its claim, or both. */
  write(task: ModelTask, content: Partial<Content>, standing: Standing, lease?: ModelLease): ModelAnswer {
    if (task.isDeleted) return { isLet: false };
    const given = givenBy(standing);
    const isRelease = lease === "release";
    const isTaken = lease !== undefined && !isRelease && given === undefined;
    if (isTaken && (content.isCompleted ?? task.isCompleted)) return { isLet: false };
    // Only a person may end a claim whose number they do not know.
    if (isRelease && given === undefined && "given" in standing) return { isLet: false };
    const isNothing = lease === undefined || (isRelease && given === undefined && isFree(task));
    if (isNothing && !differs(task, content)) return { isLet: given === undefined || given === task.claim };
    return this.#carryOut(task, content, standing, lease);
  }

  /** A call that takes so many of the tasks that are ready: those that it gets. */
  takeNext(count: number, holder: string, minutes: number): readonly ModelTask[] {
    const ready = this.tasks.filter(
      (task) => !task.isDeleted && !task.isCompleted && !this.#isLive(task) && task.lapses + Number(hasLease(task)) < 3,
    );
    const taken = ready.slice(0, count);
    for (const task of taken) this.#settle(task, {}, undefined, { holder, minutes });
    if (taken.length > 0) this.claims.push(this.#nextChange());
    return taken;
  }

  /** The number of the last change of a task that can be undone. */
  undoable(task: ModelTask): number | undefined {
    return this.#undoable.get(task)?.at(-1)?.change;
  }

  /** A call that undoes the last change of a task. */
  undo(task: ModelTask, standing: Standing): ModelAnswer {
    const last = this.#undoable.get(task)?.at(-1);
    return last === undefined ? { isLet: false } : this.#carryOut(task, last.before, standing);
  }

  #carryOut(task: ModelTask, content: Partial<Content>, standing: Standing, lease?: ModelLease): ModelAnswer {
    if (!this.#lets(task, standing)) return { isLet: false };
    const before = { ...task };
    this.#settle(task, content, givenBy(standing), lease);
    // That a claim holds for longer is no change.
    if (isSame({ ...before, until: task.until }, task)) return { isLet: true };
    const change = this.#nextChange();
    if (task.claim === change) this.claims.push(change);
    if (differs(before, content)) {
      const { title, isCompleted, isDeleted } = before;
      const earlier = this.#undoable.get(task) ?? [];
      this.#undoable.set(task, [...earlier, { change, before: { title, isCompleted, isDeleted } }]);
    }
    return { isLet: true, change };
  }

  #nextChange(): number {
    this.lastChange += 1;
    return this.lastChange;
  }

  #isLive({ until }: ModelTask): boolean {
    return until !== undefined && until > this.now;
  }

  /** Who names a claim must hold the last; others must wait until it lapses, but for a person who overrides it. */
  #lets(task: ModelTask, standing: Standing): boolean {
    const given = givenBy(standing);
    if (given !== undefined) return task.holder !== undefined && task.claim === given;
    return !this.#isLive(task) || ("overrides" in standing && task.claim === standing.overrides);
  }

  #settle(task: ModelTask, content: Partial<Content>, given: number | undefined, lease?: ModelLease): void {
    const isLive = this.#isLive(task);
    const isOthers = given === undefined;
    const hasLapsed = task.until !== undefined && !isLive;
    if (differs(task, content)) task.version += 1;
    Object.assign(task, content);
    if (lease === "release") {
      end(task);
      if (isOthers) task.lapses = 0;
    } else {
      if (isOthers && hasLapsed) {
        task.lapses += 1;
        task.until = undefined;
      }
      if (isOthers && isLive) end(task);
      if (lease !== undefined) task.until = this.now + lease.minutes;
      if (lease !== undefined && isOthers) {
        task.claim = this.lastChange + 1;
        task.holder = lease.holder;
      }
    }
    if (task.isCompleted || task.isDeleted) {
      end(task);
      task.lapses = 0;
    }
  }
}

function givenBy(standing: Standing): number | undefined {
  return "given" in standing ? standing.given : undefined;
}

function end(task: ModelTask): void {
  task.holder = undefined;
  task.until = undefined;
}

function hasLease({ until }: ModelTask): boolean {
  return until !== undefined;
}

/** Whether there is nothing that a person could release. */
function isFree({ holder, until, lapses }: ModelTask): boolean {
  return holder === undefined && until === undefined && lapses === 0;
}

function differs(task: Content, content: Partial<Content>): boolean {
  return !isSame(task, { ...task, ...content });
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
