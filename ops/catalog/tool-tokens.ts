import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { describeCatalog } from "../../src/tools/catalog.ts";
import { countTokens } from "./count-tokens.ts";

// What the tools cost a model before it has done anything, by OpenAI's o200k_base, as compact JSON. tokens.json has what they
// cost at this commit, so that each change of it shows what it costs.

const RECORD = join(import.meta.dirname, "tokens.json");

/** What the tools may cost together. */
export const MOST_TOKENS = { forModel: 2_500, wholeList: 4_500 } as const;

const tokensSchema = z.strictObject({
  /** Name, description, annotations and input schema: what clients put before a model, and more than many do. */
  forModel: z.int(),
  /** With the title and the output schema too: the whole answer to `tools/list`. */
  wholeList: z.int(),
});
const costSchema = z.record(z.string(), tokensSchema);

/** What each tool costs, by its name, and `together` all of them. */
export type ToolTokens = z.output<typeof costSchema>;

/** Counts what the tools cost. */
export async function countToolTokens(): Promise<ToolTokens> {
  const tools = describeCatalog();
  const lists = [...tools.map((tool) => [tool]), tools];
  const texts = lists.flatMap((list) => [
    JSON.stringify(
      list.map(({ name, description, annotations, inputSchema }) => ({ name, description, annotations, inputSchema })),
    ),
    JSON.stringify({ tools: list }),
  ]);
  const counts = await countTokens(texts);
  const names = [...tools.map(({ name }) => name), "together"];
  return costSchema.parse(
    Object.fromEntries(
      names.map((name, place) => [name, { forModel: counts[2 * place], wholeList: counts[2 * place + 1] }]),
    ),
  );
}

/** What they cost when that was recorded last. */
export async function recordedTokens(): Promise<ToolTokens> {
  return costSchema.parse(JSON.parse(await readFile(RECORD, "utf8")));
}

/** Records what they cost now. */
export async function recordTokens(cost: ToolTokens): Promise<void> {
  await writeFile(RECORD, `${JSON.stringify(cost, null, 2)}\n`);
}

/** A line for each tool that costs more or less than before, and for all of them: `update_task: 770 → 783 (+13) …`. */
export function tellChanges(before: ToolTokens, now: ToolTokens): string[] {
  const names = new Set([...Object.keys(now), ...Object.keys(before)]);
  return [...names].flatMap((name) => {
    const change = (of: keyof typeof MOST_TOKENS) => tellChange(before[name]?.[of] ?? 0, now[name]?.[of] ?? 0);
    const [forModel, wholeList] = [change("forModel"), change("wholeList")];
    return forModel === "" && wholeList === ""
      ? []
      : [`${name}: for the model ${forModel || "as before"}; in tools/list ${wholeList || "as before"}`];
  });
}

function tellChange(before: number, now: number): string {
  return before === now ? "" : `${before} → ${now} (${now > before ? "+" : ""}${now - before})`;
}
