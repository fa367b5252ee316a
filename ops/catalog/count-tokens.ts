import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";

const clients = join(import.meta.dirname, "../../test/clients");

/** Whether the tokenizer is there, by `npm ci --prefix test/clients`. */
export const canCountTokens = existsSync(join(clients, "node_modules/js-tiktoken"));

/** How many tokens each text costs, by OpenAI's o200k_base. */
export async function countTokens(texts: readonly string[]): Promise<number[]> {
  const output = await new Promise<string>((resolve, reject) => {
    const program = execFile(process.execPath, [join(clients, "count-tokens.mjs")], (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
    program.stdin?.end(JSON.stringify(texts));
  });
  return z.array(z.int()).length(texts.length).parse(JSON.parse(output));
}
