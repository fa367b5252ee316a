/** How far tasks are counted, of each status by itself. */
export const MOST_COUNTED = 1_000;

/**
 * A number of tasks, as far as they are counted.
 *
 * @param isPart whether there may be more of them
 */
export function showCount(count: number, isPart = false): string {
  if (count > MOST_COUNTED) return `${MOST_COUNTED.toLocaleString("en-US")}+`;
  return isPart ? `${count}+` : `${count}`;
}
