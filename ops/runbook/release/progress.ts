import type { WatchedStage } from "../watch/watched-stage.ts";

/** Whether what a line of the log says was seen to be so, and what was seen. */
export interface Seen {
  readonly isTrue: boolean;
  readonly evidence: string;
}

/** What is known of a release when it ends, however it ends. */
export interface Progress {
  versionId: string | undefined;
  migrations: readonly string[];
  /** Whether a version of it is part of the deployment in force, as far as is known. */
  deployed: boolean;
  backup: Seen;
  /** Of the last smoke tests that were run. */
  smoke: Seen;
  /** What was measured at each stage, of the last one also where it was broken off. */
  readonly watched: WatchedStage[];
  /** What went wrong and did not end it. */
  readonly issues: string[];
}

/** Of a release that has not begun. */
export function noProgress(): Progress {
  return {
    versionId: undefined,
    migrations: [],
    deployed: false,
    backup: { isTrue: false, evidence: "not begun" },
    smoke: { isTrue: false, evidence: "not run" },
    watched: [],
    issues: [],
  };
}
