/** What an example changes in a file: text to find and what comes in its place, or all that a new file has. */
export type Change =
  | {
      readonly path: string;
      readonly kind: "edit";
      readonly before: readonly string[];
      readonly after: readonly string[];
    }
  | { readonly path: string; readonly kind: "new"; readonly text: string };

/** A recipe of CODEBASE.md with the example that it shows. */
export interface Recipe {
  /** Its heading, such as `Add a route`. */
  readonly title: string;
  readonly changes: readonly Change[];
}

/** A block of code with its language; or a paragraph, by which the path that a block is about is known. */
const PART = /^```(?<language>\w+)\n(?<code>[\s\S]*?)\n```$|^(?!```).+(?:\n(?!```).+)*/gm;

/**
 * Reads the recipes of CODEBASE.md. A paragraph that begins with a path in code and ends with a colon says which file the
 * blocks after it change: by a `diff` without line numbers, or as all that the file has.
 *
 * @throws Error for a block that follows no path
 */
export function readRecipes(document: string): Recipe[] {
  const [, howTo = ""] = /^## How to …$(.*?)^## /ms.exec(document) ?? [];
  return howTo
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [title = "", ...lines] = section.split("\n");
      return { title, changes: readChanges(title, lines.join("\n").trim()) };
    });
}

function readChanges(title: string, section: string): Change[] {
  const changes: Change[] = [];
  let path: string | undefined;
  for (const { 0: text, groups: { language, code = "" } = {} } of section.matchAll(PART)) {
    if (language === undefined) {
      path = /^`([^`]+)`[\s\S]*:$/.exec(text)?.[1] ?? path;
    } else if (path === undefined) {
      throw new Error(`CODEBASE.md, “${title}”: no path stands before the block that begins with ${code.slice(0, 60)}`);
    } else {
      changes.push(
        language === "diff" ? { path, kind: "edit", ...readDiff(code) } : { path, kind: "new", text: `${code}\n` },
      );
    }
  }
  return changes;
}

function readDiff(code: string) {
  const lines = code.split("\n").map((line) => ({ sign: line.slice(0, 1), text: line.slice(1) }));
  const of = (other: string) => lines.filter(({ sign }) => sign !== other).map(({ text }) => text);
  return { before: of("+"), after: of("-") };
}

/**
 * What a file becomes by a change. A line of a diff that ends with `…` stands for one line that begins so.
 *
 * @throws Error where what is to be changed is not in it, or more than once
 */
export function applyEdit(content: string, { path, before, after }: Extract<Change, { kind: "edit" }>): string {
  const lines = content.split("\n");
  const places = lines.flatMap((_, at) =>
    before.every((line, offset) => isLine(line, lines[at + offset])) ? [at] : [],
  );
  const [at] = places;
  if (at === undefined || places.length > 1) {
    throw new Error(
      `CODEBASE.md's example fits ${path} no longer: these lines are ${at === undefined ? "not" : "more than once"} there, so that the example must follow the code\n${before.join("\n")}`,
    );
  }
  const found = new Map(before.map((line, offset) => [line, lines[at + offset] ?? line]));
  return lines.toSpliced(at, before.length, ...after.map((line) => found.get(line) ?? line)).join("\n");
}

function isLine(shown: string, line: string | undefined): boolean {
  return shown.endsWith("…") ? line?.startsWith(shown.slice(0, -1).trimEnd()) === true : line === shown;
}
