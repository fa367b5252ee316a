import * as z from "zod";

/** What the demo model reads of a task in a tool's text. */
const taskSchema = z.object({
  id: z.coerce.number().int().positive(),
  title: z.string(),
  status: z.enum(["pending", "in_progress", "completed", "cancelled"]).optional().catch(undefined),
  due: z.string().optional(),
  /** The ids of the tasks that block it, as far as they are shown. */
  blockedBy: z.array(z.coerce.number().int()),
  /** Whether somebody holds it, so that the server asks about a change of it. */
  isClaimed: z.boolean(),
  /** The line itself. */
  line: z.string(),
});

export type TaskLine = z.output<typeof taskSchema>;

/** `#12 "Milk" · pending · due 2026-11-30 · tags "groceries" · version 1`, a word such as "Created" or a dash before it. */
const LINE = /^(?:- |\p{Lu}[^#"]*? )?#(?<id>\d{1,10}) "(?<title>(?:[^"\\]|\\.)*)"(?<fields>.*)$/u;
const QUOTED = /"(?:[^"\\\n]|\\.)*"/gu;

/** Reads the tasks in what a tool, or an answer, says; lines that are none are skipped. */
export function readTaskLines(text: string): TaskLine[] {
  return text.split("\n").flatMap((line) => {
    const { id, title = "", fields = "" } = LINE.exec(line)?.groups ?? {};
    const said = withoutQuotes(fields);
    const task = taskSchema.safeParse({
      id,
      title: title.replaceAll(/\\(.)/gu, "$1"),
      status: /^ · (\w+)/.exec(said)?.[1],
      due: / · due (\d{4}-\d\d-\d\d(?:T\S+)?)/.exec(said)?.[1],
      blockedBy: / · blocked by ((?:#\d+(?:, )?)+)/.exec(said)?.[1]?.match(/\d+/g) ?? [],
      isClaimed: / · claimed by \S* ?until /.test(said),
      line,
    });
    return task.success ? [task.data] : [];
  });
}

/** A tool's text without what tasks say in it. */
export function withoutQuotes(text: string): string {
  return text.replaceAll(QUOTED, "");
}

/** A list without its cursor: `There are more.` */
export function withoutCursor(text: string): string {
  return text.replace(/^(There (?:are|may be) more): cursor \S+$/m, "$1.");
}

/** The cursor to the tasks that are left out, where there are any. */
export function readCursor(text: string): string | undefined {
  const line = text.split("\n").findLast((one) => !LINE.test(one) && /\bcursor\b/.test(one));
  return /\bcursor\W*?\s"?([^\s"]+)/.exec(line ?? "")?.[1];
}
