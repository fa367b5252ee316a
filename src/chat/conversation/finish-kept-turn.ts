import type { Caller } from "../../caller.ts";
import { toApplicationError } from "../../errors.ts";
import { createLogger } from "../../observability/log.ts";
import { logFailure } from "../../observability/log-failure.ts";
import type { Services } from "../../services.ts";
import { forgetTurn, KEPT_FOR, keepUntil, readKeptTurn } from "./kept-turn.ts";
import { storeTurn } from "./store-turn.ts";

/**
 * Stores the turn that a conversation's object has kept, where there is one, and forgets it. Where the credential that it
 * ran with no longer counts, it is stored with the one that its person comes back with. Until then it stays kept, for
 * `KEPT_FOR` at most: their message would be mistaken for one that nothing was done for.
 *
 * @param present the person who asks; undefined where nobody does
 * @param open the services of a call for a user
 * @returns whether there was none, or it is stored or given up, or still kept
 * @throws ApplicationError where it cannot be stored for another reason; it is kept then
 */
export async function finishKeptTurn(
  storage: DurableObjectStorage,
  present: Caller | undefined,
  open: (who: { readonly requestId: string; readonly caller: Caller }) => Services,
): Promise<"none" | "ended" | "kept"> {
  const turn = await readKeptTurn(storage);
  if (turn === undefined) return "none";
  if (turn === "unreadable") {
    // What the turn did to tasks is done; only its answer is lost.
    createLogger("info", { object: "ChatConversation" }).error("chat_turn_unreadable");
    await forgetTurn(storage);
    return "ended";
  }
  const { requestId, message, outcome, until } = turn;
  const callers = until === undefined ? [turn.caller, present] : [present];
  for (const caller of callers.filter((one) => one !== undefined)) {
    const { database, log } = open({ requestId, caller });
    try {
      await storeTurn(database.as(caller, { via: "chat", requestId }), log, turn, message, outcome);
      log.warn(outcome === undefined ? "chat_turn_cut_off" : "chat_turn_stored_late", { ...message.usage });
      await forgetTurn(storage);
      return "ended";
    } catch (thrown) {
      const error = toApplicationError(thrown);
      if (error.kind === "unavailable") throw error;
      logFailure(log, error);
      if (error.kind === "unauthenticated") continue;
      await keepUntil(storage, until ?? Date.now() + KEPT_FOR);
      throw error;
    }
  }
  if (until !== undefined && until <= Date.now()) {
    createLogger("info", { object: "ChatConversation", request_id: requestId }).warn("chat_turn_given_up");
    await forgetTurn(storage);
    return "ended";
  }
  await keepUntil(storage, until ?? Date.now() + KEPT_FOR);
  return "kept";
}
