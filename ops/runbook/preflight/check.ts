import type { RunbookContext } from "../context.ts";

/** Where a run of the preflight looks. */
export interface PreflightContext extends RunbookContext {
  readonly backupDirectory: string;
  /** A vitest report of this very code, in place of running the suite. */
  readonly testReport: string | undefined;
}

/** What a check has found. */
export type Finding =
  | { readonly status: "done"; readonly evidence: string }
  /** What should be seen could not be looked at. */
  | { readonly status: "not checked"; readonly evidence: string };

/** One box of the checklist. It throws, with the reason, when the box cannot be ticked. */
export interface PreflightCheck {
  readonly name: string;
  /** Whether it takes minutes: it comes last, and not at all once another has failed. */
  isLong?(context: PreflightContext): boolean;
  run(context: PreflightContext): Promise<Finding>;
}

export function seen(evidence: string): Finding {
  return { status: "done", evidence };
}

export function notChecked(evidence: string): Finding {
  return { status: "not checked", evidence };
}
