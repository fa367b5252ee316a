import { ApplicationError } from "../../errors.ts";
import type { ApplicationContext } from "../../http/application.ts";

/** The object of a conversation of the caller. Its name begins with their own id, so that nobody can reach another's. */
export function conversationStub(context: ApplicationContext, id: string) {
  return context.env.CHAT_CONVERSATIONS.getByName(`${context.var.caller.userId}/${id}`);
}

/**
 * Waits for what a conversation's object answers. What it refuses itself it answers too: whatever is thrown, it was moved,
 * reset or overloaded.
 *
 * @param advice what the caller can do then
 * @throws ApplicationError `unavailable`
 */
export async function reached<Answering>(
  answering: Answering,
  advice = "try again in a moment",
): Promise<Awaited<Answering>> {
  try {
    return await answering;
  } catch (cause) {
    throw new ApplicationError("unavailable", `The conversation cannot be reached; ${advice}.`, { cause });
  }
}
