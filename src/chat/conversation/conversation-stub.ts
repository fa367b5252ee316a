import type { ApplicationContext } from "../../http/application.ts";

/** The object of a conversation of the caller. Its name begins with their own id, so that nobody can reach another's. */
export function conversationStub(context: ApplicationContext, id: string) {
  return context.env.CHAT_CONVERSATIONS.getByName(`${context.var.caller.userId}/${id}`);
}
