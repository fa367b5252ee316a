import { excerpt } from "../excerpt.ts";

/** How many characters the descriptions of an answer may have together: as many as the longest of one. */
export const LONGEST_DESCRIPTIONS = 10_000;

/**
 * Tasks whose descriptions together are no longer than that of one may be. Where they are, each has an equal share, and those
 * that go on are marked.
 */
export function fitDescriptions<Described extends { readonly description: string }>(
  tasks: readonly Described[],
): (Described & { cut?: true })[] {
  const length = tasks.reduce((sum, { description }) => sum + description.length, 0);
  const longest = length <= LONGEST_DESCRIPTIONS ? length : LONGEST_DESCRIPTIONS / tasks.length;
  return tasks.map((task) => {
    const description = excerpt(task.description, longest);
    return { ...task, description, ...(description !== task.description && { cut: true as const }) };
  });
}
