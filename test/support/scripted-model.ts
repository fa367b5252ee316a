import { inject } from "vitest";
import { z } from "zod";
import { responsesRequestSchema } from "../../local/responses-api.ts";
import type { ScriptStep } from "./scripted-responses.ts";

const recordSchema = z.object({ requests: z.array(responsesRequestSchema), aborted: z.number() });

/** What the stand-in for the model is to do, and what it was asked. */
export class Script {
  readonly #url: string;
  /** What a message must contain for this script to answer it. */
  readonly mark: string;

  private constructor(id: string) {
    this.#url = `${inject("scriptedResponsesUrl")}/scripts/${id}`;
    this.mark = `[script ${id}]`;
  }

  /**
   * @param repeats whether the last step answers all requests after it
   * @param said words that stand for the mark, in the messages of a program that does not know of it
   */
  static async write(
    steps: readonly ScriptStep[],
    { repeats = false, said }: { repeats?: boolean; said?: string } = {},
  ): Promise<Script> {
    const script = new Script(crypto.randomUUID());
    await fetch(script.#url, { method: "PUT", body: JSON.stringify({ steps, repeats, said }) });
    return script;
  }

  /** Lets the step that holds go on. */
  async release(): Promise<void> {
    await fetch(`${this.#url}/release`, { method: "POST" });
  }

  /** The requests until now, and how many of them the client broke off. */
  async record(): Promise<z.output<typeof recordSchema>> {
    return recordSchema.parse(await (await fetch(this.#url)).json());
  }
}

/** A step that answers with words. */
export function says(text: string): ScriptStep {
  return { output: [{ type: "text", text }] };
}

/** A step that calls tools, all at once. */
export function calls(...calls: (readonly [tool: string, input: unknown])[]): ScriptStep {
  return { output: calls.map(([name, input]) => ({ type: "call", name, arguments: JSON.stringify(input) })) };
}
