import { expect } from "vitest";
import { Person } from "../person.ts";
import { shown, type When } from "./when.ts";

/** What is expected of a task. */
export interface DatedTask {
  readonly due: When;
  readonly scheduled: When;
  readonly status: string;
  readonly isDeleted: boolean;
  /** Of one that recurs. */
  readonly series?: Series | undefined;
}

/** A series of tasks that are due every so many days. */
interface Series {
  /** The id of its first task. */
  readonly first: number;
  /** Which of them a task is, and the day of that. */
  readonly number: number;
  readonly place: string;
  readonly days: number;
  /** Whether they are counted from the day on which one was completed. */
  readonly isFromCompletion: boolean;
}

interface ShownTask {
  readonly id: number;
  readonly due?: string | undefined;
  readonly scheduled?: string | undefined;
}

export const fields = ["due", "scheduled"] as const;
type Field = (typeof fields)[number];

/** Somebody's tasks beside what is expected of them, while the person moves from one time zone to another. */
export class DatedList {
  readonly person: Person;
  readonly tasks = new Map<number, DatedTask>();
  /** What became of each field of each task, from the first change on. */
  readonly history = new Map<string, (readonly [before: When, after: When])[]>();
  timeZone = "UTC";

  constructor(person: Person) {
    this.person = person;
  }

  static async open(): Promise<DatedList> {
    return new DatedList(await Person.signUp());
  }

  async moveTo(timeZone: string): Promise<void> {
    const body = { time_zone: timeZone };
    expect((await this.person.send("/api/auth/me", { method: "PATCH", body })).status).toBe(200);
    this.timeZone = timeZone;
  }

  /** The tasks that are there, with their ids. */
  get living(): (DatedTask & { readonly id: number })[] {
    return [...this.tasks].flatMap(([id, task]) => (task.isDeleted ? [] : [{ id, ...task }]));
  }

  /** Expects something else of a task. */
  expect(id: number, changed: Partial<DatedTask>): void {
    const before = this.tasks.get(id);
    const after = { due: undefined, scheduled: undefined, status: "pending", isDeleted: false, ...before, ...changed };
    this.tasks.set(id, after);
    if (before === undefined) return;
    for (const field of fields) this.#note(id, field, before[field], after[field]);
  }

  #note(id: number, field: Field, before: When, after: When): void {
    if (before?.valueOf() === after?.valueOf()) return;
    const key = `${id} ${field}`;
    this.history.set(key, [...(this.history.get(key) ?? []), [before, after]]);
  }

  /**
   * Holds tasks as an answer shows them, all of them or not, to what is expected.
   *
   * @param isEnded whether it answers of each only what it is known by, when it is due among that
   */
  check(answered: readonly ShownTask[], what: string, isEnded = false): void {
    for (const { id, due, scheduled } of answered) {
      const task = this.tasks.get(id);
      const expected = {
        ...{ id, due: shown(task?.due, this.timeZone) },
        scheduled: isEnded ? undefined : shown(task?.scheduled, this.timeZone),
      };
      expect({ id, due, scheduled }, `${what}, in ${this.timeZone}`).toEqual(expected);
    }
  }
}
