import { TaskChangedSince, TaskClaimed } from "../../database/user-database.ts";
import { ApprovalNeeded, toApplicationError } from "../../errors.ts";
import { catalog } from "../../tools/catalog.ts";
import type { ToolResult } from "../../tools/tool.ts";
import type { ModelUsage } from "../model/model.ts";
import type { TurnEvent, Usage } from "../stream/turn-event.ts";
import { countChanges, tasksOf } from "./approval.ts";

/** What a call has come to. */
export interface CallResult extends ToolResult {
  /** What the task was called before, where the call may have renamed it. */
  readonly titleBefore?: string;
}

/** The message that the agent is writing: all that happened in it, before an approval and after. */
export class MessageInProgress {
  readonly id: string;
  readonly #events: TurnEvent[];
  readonly #earlierUsage: Usage;
  #inputTokens = 0;
  #cachedTokens = 0;
  #outputTokens = 0;

  /**
   * @param earlier what the message held already when an approval made it go on
   * @param earlierUsage what that had used
   */
  constructor(id: string, earlier: readonly TurnEvent[], earlierUsage: Usage) {
    this.id = id;
    this.#events = [...earlier];
    this.#earlierUsage = earlierUsage;
  }

  get events(): readonly TurnEvent[] {
    return this.#events;
  }

  /** How often the model was asked. */
  get rounds(): number {
    return this.#events.filter(({ type }) => type === "round").length;
  }

  /** How many tasks were changed. */
  get changes(): number {
    return this.#results().reduce((sum, { tool, output }) => sum + countChanges(tool, output), 0);
  }

  /** What was changed, a line for each call. */
  get #changesMade(): readonly string[] {
    const changes = this.#results().filter(({ tool, output }) => countChanges(tool, output) > 0);
    return changes.map(({ text }) => text.split("\n", 1).join(""));
  }

  /** What a turn that failed leaves behind, for a person: a sentence after another, or nothing. */
  get doneBefore(): string {
    const done = this.#changesMade;
    return done.length === 0 ? "" : ` Done before that: ${done.join("; ")}.`;
  }

  /** The tokens of this turn alone. */
  get turnTokens(): number {
    return this.#inputTokens + this.#outputTokens;
  }

  /** Those of them that the provider had in its cache. */
  get cachedTokens(): number {
    return this.#cachedTokens;
  }

  /** The usage of the whole message. */
  get usage(): Usage {
    return {
      rounds: this.rounds,
      input_tokens: this.#earlierUsage.input_tokens + this.#inputTokens,
      output_tokens: this.#earlierUsage.output_tokens + this.#outputTokens,
    };
  }

  /** All of it as plain data. */
  get saved() {
    return {
      id: this.id,
      events: [...this.#events],
      earlierUsage: this.#earlierUsage,
      inputTokens: this.#inputTokens,
      outputTokens: this.#outputTokens,
    };
  }

  add<Event extends TurnEvent>(event: Event): Event {
    this.#events.push(event);
    return event;
  }

  addUsage({ inputTokens, cachedTokens, outputTokens }: ModelUsage): void {
    this.#inputTokens += inputTokens;
    this.#cachedTokens += cachedTokens;
    this.#outputTokens += outputTokens;
  }

  /**
   * Runs a call and adds what came of it; a failure is for the model to read.
   *
   * @throws ApplicationError `unauthenticated`; TaskChangedSince; TaskClaimed; ApprovalNeeded
   */
  async *addResult(callId: string, run: () => Promise<CallResult>): AsyncGenerator<TurnEvent> {
    try {
      const { structured, toText, titleBefore } = await run();
      const before = titleBefore === undefined ? {} : { title_before: titleBefore };
      yield this.add({ type: "tool_output", call_id: callId, output: structured, text: toText(), ...before });
    } catch (thrown) {
      const error = toApplicationError(thrown);
      // The caller asks the person, or asks anew.
      if ([TaskChangedSince, TaskClaimed, ApprovalNeeded].some((asking) => error instanceof asking)) throw error;
      yield this.add({ type: "tool_error", call_id: callId, message: error.message });
      // Signed out in the meantime: nothing more can be done in this person's name.
      if (error.kind === "unauthenticated") throw error;
    }
  }

  /** The model's id of a call, or one made of it where this message has that already. */
  uniqueCallId(callId: string): string {
    const known = new Set(this.#events.flatMap((event) => (event.type === "tool_input" ? [event.call_id] : [])));
    let unique = callId === "" ? "call" : callId;
    for (let count = 2; known.has(unique); count += 1) unique = `${callId}.${count}`;
    return unique;
  }

  /** What a task was called before this message renamed it; undefined where it has not. */
  titleBefore(taskId: unknown): string | undefined {
    return this.#events
      .filter((event) => event.type === "tool_output")
      .find(({ title_before, output }) => title_before !== undefined && tasksOf(output)[0]?.id === taskId)
      ?.title_before;
  }

  #results() {
    const tools = new Map(catalog.map((tool) => [tool.name, tool]));
    const names = new Map(
      this.#events.flatMap((event) => (event.type === "tool_input" ? [[event.call_id, event.tool]] : [])),
    );
    return this.#events.flatMap((event) => {
      const tool = event.type === "tool_output" ? tools.get(names.get(event.call_id) ?? "") : undefined;
      return event.type === "tool_output" && tool !== undefined
        ? [{ tool, output: event.output, text: event.text }]
        : [];
    });
  }
}
