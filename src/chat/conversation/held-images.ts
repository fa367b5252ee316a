import { ApplicationError } from "../../errors.ts";
import type { MessageImage } from "../stream/chat-message.ts";

/**
 * How many characters the images of all turns in this isolate may have together, those that wait among them: an isolate
 * has 128 MiB for everything, and a request to the model has its images twice more.
 */
export const MOST_HELD_IMAGES = 32 * 1024 * 1024;

/**
 * After how long a turn that has not ended counts as lost with its object, in milliseconds: with the usual
 * AGENT_TOTAL_TIMEOUT none waits and runs for a third of that.
 */
const LONGEST_HELD = 60 * 60 * 1000;

/** In seconds, until others have been answered. */
const RETRY_AFTER = 5;

/** What the images of a turn have, and since when. */
interface HeldImages {
  readonly size: number;
  readonly since: number;
}

const turns = new Set<HeldImages>();

/**
 * Counts the images of a turn for as long as it waits or runs.
 *
 * @returns to be called when it has ended
 * @throws ApplicationError `rate_limited` where all turns in this isolate together have too many
 */
export function holdImages(images: readonly MessageImage[] = []): () => void {
  const size = images.reduce((sum, { url = "" }) => sum + url.length, 0);
  const turn = { size, since: Date.now() };
  if (size > 0) {
    if (heldNow() + size > MOST_HELD_IMAGES) {
      const message = "Too many images are being looked at right now. Nothing was changed; try again shortly.";
      throw new ApplicationError("rate_limited", message, { retryAfter: RETRY_AFTER });
    }
    turns.add(turn);
  }
  return () => {
    turns.delete(turn);
  };
}

function heldNow(): number {
  let held = 0;
  for (const turn of turns) {
    // The runtime has reset its object, without another word.
    if (Date.now() - turn.since > LONGEST_HELD) turns.delete(turn);
    else held += turn.size;
  }
  return held;
}
