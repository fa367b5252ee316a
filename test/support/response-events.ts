/** An event of an answer. */
export type Event = { readonly type: string } & Readonly<Record<string, unknown>>;

export const completed = (response: object = {}): Event => ({ type: "response.completed", response });
export const message = (...content: object[]) => ({ id: "msg_1", type: "message", content });
export const done = (item: unknown, place: object = { output_index: 0 }): Event => ({
  type: "response.output_item.done",
  ...place,
  item,
});
export const begun = (item: object, place: object = { output_index: 0 }): Event => ({
  type: "response.output_item.added",
  ...place,
  item,
});
export const text = (words: string) => ({ type: "output_text", text: words });
export const delta = (words: unknown, item_id = "msg_1"): Event => ({
  type: "response.output_text.delta",
  item_id,
  delta: words,
});
export const hello = delta("Hello.");
export const thought = { id: "rs_1", type: "reasoning", encrypted_content: "sealed" };
export const create = { id: "fc_1", type: "function_call", call_id: "call_1", name: "create_task" };
export const titled = (title: string) => JSON.stringify({ title });
export const milk = titled("Milk");
/** The arguments of a call in two pieces. */
export const pieces = (whole: string, place: object): Event[] =>
  [whole.slice(0, 9), whole.slice(9)].map((piece) => ({
    type: "response.function_call_arguments.delta",
    ...place,
    delta: piece,
  }));

/** An event as it stands in a stream, without a name. */
export const line = (event: object) => `data: ${JSON.stringify(event)}\n\n`;
