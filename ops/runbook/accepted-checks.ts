import { UsageError } from "./runbook-error.ts";

/** The checks that may fail, each with the reason that somebody has given for it. */
export class AcceptedChecks {
  readonly #reasons: ReadonlyMap<string, string>;

  private constructor(reasons: ReadonlyMap<string, string>) {
    this.#reasons = reasons;
  }

  /**
   * Reads `--accept "<check>=<reason>"`, as often as it is given.
   *
   * @param known the names of the checks there are
   * @throws UsageError
   */
  static read(values: readonly string[] | undefined, known: readonly string[]): AcceptedChecks {
    const reasons = new Map<string, string>();
    for (const value of values ?? []) {
      const [check = "", ...rest] = value.split("=");
      const reason = rest.join("=").trim();
      if (!known.includes(check))
        throw new UsageError(`--accept ${JSON.stringify(check)} is not one of: ${known.join(", ")}`);
      if (reason === "") throw new UsageError(`--accept ${check} needs a reason: --accept "${check}=<reason>"`);
      reasons.set(check, reason);
    }
    return new AcceptedChecks(reasons);
  }

  /** Why a check may fail; undefined for one that may not. */
  reasonFor(check: string): string | undefined {
    return this.#reasons.get(check);
  }
}
