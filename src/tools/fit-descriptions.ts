import { excerpt } from "../excerpt.ts";
import { LONGEST_DESCRIPTION } from "../tasks/task-fields.ts";

interface Described {
  readonly description: string;
}

/** Whether the descriptions of an answer are together no longer than that of one task may be. */
export function fitTogether(tasks: readonly Described[]): boolean {
  const isWithin = (lengthOf: (description: string) => number) =>
    tasks.reduce((sum, { description }) => sum + lengthOf(description), 0) <= LONGEST_DESCRIPTION;
  // No text has more characters than UTF-16 units, which are there already.
  return isWithin(({ length }) => length) || isWithin((description) => Array.from(description).length);
}

/** Tasks whose descriptions fit together: where they would not, each is cut to an equal share, and what was cut is marked. */
export function fitDescriptions<Task extends Described>(tasks: readonly Task[]): (Task & { cut?: true })[] {
  if (fitTogether(tasks)) return [...tasks];
  return tasks.map((task) => {
    const description = excerpt(task.description, LONGEST_DESCRIPTION / tasks.length);
    return { ...task, description, ...(description !== task.description && { cut: true as const }) };
  });
}
