import { z } from "zod";

/** What somebody who keeps asking has seen. */
export interface SeenAnswers {
  /** How often each version answered. */
  readonly versions: Readonly<Record<string, number>>;
  /** What was no answer of a version. */
  readonly failures: readonly string[];
  /** How often a version said that it could not reach the database, as one may on a machine that stands still. */
  readonly unhealthy: number;
  /** The version that answered last. */
  readonly last: string | undefined;
}

const PAUSE_MILLISECONDS = 100;
const healthSchema = z.object({ status: z.enum(["healthy", "unhealthy"]), version: z.string() });

/** Keeps asking `/health`, one request after the other, until it is told to end. */
export function watchAnswers(url: string): { end(): Promise<SeenAnswers> } {
  const versions: Record<string, number> = {};
  const failures: string[] = [];
  let unhealthy = 0;
  let last: string | undefined;
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      try {
        const response = await fetch(url);
        const { status, version } = healthSchema.parse(await response.json());
        if (status === "unhealthy") unhealthy += 1;
        else if (response.status !== 200) failures.push(`${response.status} from ${version}`);
        versions[version] = (versions[version] ?? 0) + 1;
        last = version;
      } catch (error) {
        failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));
    }
  })();
  return {
    async end() {
      isOver = true;
      await asking;
      return { versions, failures, unhealthy, last };
    },
  };
}
