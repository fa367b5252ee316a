/** What is known of a release when it ends, however it ends. */
export interface Progress {
  versionId: string | undefined;
  backedUp: boolean;
  migrations: readonly string[];
  /** Whether a version of it is part of the deployment in force, as far as is known. */
  deployed: boolean;
  smokePassed: boolean;
  watched: boolean;
  /** What went wrong and did not end it. */
  readonly issues: string[];
}

/** Of a release that has not begun. */
export function noProgress(): Progress {
  return {
    versionId: undefined,
    backedUp: false,
    migrations: [],
    deployed: false,
    smokePassed: false,
    watched: false,
    issues: [],
  };
}
