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
  readonly #tell: (line: string) => void;

  /** @param tell writes a line for a person */
  constructor(command: string, { isDryRun, tell }: { isDryRun: boolean; tell: (line: string) => void }) {
    this.command = command;
    this.isDryRun = isDryRun;
    this.#tell = tell;
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
      const { evidence, result } = await work();
      this.record(name, "done", evidence, begun);
      return result;
    } catch (error) {
      this.record(name, "failed", reasonOf(error), begun);
      throw error;
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
}
