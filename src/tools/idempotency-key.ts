import { line } from "../text.ts";

/** A key by which a repeat of a call is known, as its caller gives it. */
export const idempotencyKeySchema = line({ maximum: 100 });
