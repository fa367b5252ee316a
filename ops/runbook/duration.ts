import { setTimeout } from "node:timers/promises";
import { UsageError } from "./runbook-error.ts";

const MINUTE = 60_000;

/** Reads `--minutes` and its like. @throws UsageError naming the flag */
export function readPositive(flag: string, value: string | undefined, byDefault: number): number {
  const number = Number(value ?? byDefault);
  if (!Number.isFinite(number) || number <= 0) {
    throw new UsageError(`--${flag} must be a number above 0, not ${JSON.stringify(value)}`);
  }
  return number;
}

/** Time as a rehearsal has it: minutes that are shorter by a factor. */
export class TimeScale {
  readonly factor: number;

  constructor(factor: number) {
    this.factor = factor;
  }

  /** @throws UsageError */
  static read(value: string | undefined): TimeScale {
    const factor = readPositive("time-scale", value, 1);
    if (factor > 1) throw new UsageError(`--time-scale must be 1 at most, not ${JSON.stringify(value)}`);
    return new TimeScale(factor);
  }

  minutes(count: number): number {
    return count * MINUTE * this.factor;
  }

  /** How long some minutes really are, for the name of a step. */
  describe(count: number): string {
    return this.factor === 1 ? `${count} minutes` : `${Math.round(this.minutes(count) / 1000)} s`;
  }

  /** What a log says of it; undefined where time is as it is. */
  get remark(): string | undefined {
    return this.factor === 1
      ? undefined
      : `rehearsal: --time-scale ${this.factor}, every window is that much shorter than the runbook's`;
  }
}

/** Waits. @throws the signal's reason once that is aborted */
export async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await setTimeout(Math.max(0, milliseconds), undefined, { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}
