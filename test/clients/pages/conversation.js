import { createElement } from "react";
import { createRoot } from "react-dom/client";

// What every page does beside its front end: open the conversation that its address names, and stop the agent.

/** Where the server is, and the token of the person at the page; the test puts it there before the page loads. */
const { url, token } = globalThis.server;

export const headers = { authorization: `Bearer ${token}` };
export const api = `${url}/api/chat`;

const read = async (path) => (await fetch(`${url}${path}`, { headers })).json();

/** Renders a page with the conversation of its address, as the server has it: `Page` is given its `id` and `messages`. */
export async function openConversation(Page) {
  const id = location.hash.slice(1);
  const { conversations } = await read("/api/conversations?limit=100");
  const isThere = conversations.some((conversation) => conversation.id === id);
  const messages = isThere ? (await read(`/api/conversations/${id}`)).messages : [];
  createRoot(document.querySelector("main")).render(createElement(Page, { id, messages }));
}

/** Stops the agent of a conversation; a page that closes its connection alone does not. */
export function stopAgent(id) {
  return fetch(`${api}/${id}/stream`, { method: "DELETE", headers });
}

/** What a call has come to, in words that the test finds the same in what the server has stored. */
export function outcome({ output, errorText, approved, isAsked }) {
  if (output !== undefined) return `done: ${output.tasks.map(({ title }) => title).join(", ")}`;
  if (errorText !== undefined) return `failed: ${errorText}`;
  if (approved === false) return "denied";
  return isAsked ? "waits" : "runs";
}
