import { reasonOf } from "./runbook-error.ts";

/** How a step ended; `not checked` is a check that could not be run, `person` one that only a person can do. */
export type StepStatus = "done" | "failed" | "not checked" | "accepted" | "person" | "would do";

/** A step as it is reported and logged. */
export interface StepRecord {
  readonly name: string;
  readonly status: StepStatus;
  /** What was seen or done, for a person to believe it. */
  readonly evidence: string;
  readonly at: string;
  readonly seconds: number;
}

/** What a step hands back: its result, and the evidence for it. */
export interface StepResult<Result> {
  readonly evidence: string;
  readonly result: Result;
}

/** What a check has found. */
export interface CheckFinding {
  readonly status: StepStatus;
  readonly evidence: string;
}

/** Work that is not over by then is named, so that nobody waits before a still screen without knowing for what. */
const NAMED_AFTER_MILLISECONDS = 1_000;
/** How long nothing is told of work that goes on: at first, and once it has lasted for a minute. */
const STILL_MILLISECONDS = 10_000;
const STILL_LATER_MILLISECONDS = 30_000;

/** How each status is told to a person, in one sign. */
export const MARKS: Record<StepStatus, string> = {
  done: "✓",
  failed: "✗",
  "not checked": "?",
  accepted: "~",
  person: "☐",
  "would do": "·",
};

/** A run of a command: step after step, each told as it is done. */
export class Procedure {
  readonly command: string;
  readonly isDryRun: boolean;
  readonly startedAt = new Date();
  readonly steps: StepRecord[] = [];
  readonly #write: (line: string) => void;
  /** Has the work that is under way told of only after another pause. */
  #putOff: () => void = () => undefined;

  /** @param tell writes a line for a person */
  constructor(command: string, { isDryRun, tell }: { isDryRun: boolean; tell: (line: string) => void }) {
    this.command = command;
    this.isDryRun = isDryRun;
    this.#write = tell;
  }

  get seconds(): number {
    return Math.round((Date.now() - this.startedAt.getTime()) / 1000);
  }

  /**
   * Runs a step.
   *
   * @throws whatever the step throws, after it was recorded as failed
   */
  async step<Result>(name: string, work: () => Promise<StepResult<Result>>): Promise<Result> {
    const begun = Date.now();
    this.#tell(`… ${name}`);
    try {
      const { evidence, result } = await this.#attend(name, begun, work);
      this.record(name, "done", evidence, begun);
      return result;
    } catch (error) {
      this.record(name, "failed", reasonOf(error), begun);
      throw error;
    }
  }

  /**
   * Runs a check, and records what it has found. Most take no time: one is named before its finding only where it does.
   *
   * @param work throws nothing: a check that has failed is a finding
   */
  async check<Finding extends CheckFinding>(name: string, work: () => Promise<Finding>): Promise<Finding> {
    const begun = Date.now();
    const finding = await this.waitFor(name, work);
    this.record(name, finding.status, finding.evidence, begun);
    return finding;
  }

  /** Waits for what is recorded by others or not at all, and names it where it takes a while. */
  async waitFor<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const naming = setTimeout(() => this.#tell(`… ${name}`), NAMED_AFTER_MILLISECONDS);
    try {
      return await this.#attend(name, Date.now(), work);
    } finally {
      clearTimeout(naming);
    }
  }

  /** Runs a step that changes something; in a dry run it says what it would do, and does not. */
  async change(name: string, would: string, work: () => Promise<StepResult<unknown>>): Promise<void> {
    if (this.isDryRun) this.record(name, "would do", would);
    else await this.step(name, work);
  }

  /** Records what was found out elsewhere. */
  record(name: string, status: StepStatus, evidence: string, begun = Date.now()): void {
    const seconds = Math.round((Date.now() - begun) / 100) / 10;
    this.steps.push({ name, status, evidence, at: new Date(begun).toISOString(), seconds });
    this.#tell(`${MARKS[status]} ${name}: ${evidence}${seconds >= 1 ? ` (${seconds} s)` : ""}`);
  }

  /** A line of progress in the middle of a step. */
  note(line: string): void {
    this.#tell(`  ${line}`);
  }

  /** Tells that work goes on whenever nothing else was told for a while. */
  async #attend<Result>(name: string, begun: number, work: () => Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined;
    const lasted = () => Math.round((Date.now() - begun) / 1000);
    this.#putOff = () => {
      clearTimeout(timer);
      const pause = lasted() < 60 ? STILL_MILLISECONDS : STILL_LATER_MILLISECONDS;
      timer = setTimeout(() => this.note(`${name}: ${lasted()} s so far`), pause);
    };
    this.#putOff();
    try {
      return await work();
    } finally {
      this.#putOff = () => undefined;
      clearTimeout(timer);
    }
  }

  #tell(line: string): void {
    this.#write(line);
    this.#putOff();
  }
}
