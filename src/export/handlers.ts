import { toByteStream } from "../chat/stream/turn-lines.ts";
import { toApplicationError } from "../errors.ts";
import type { ApplicationContext } from "../http/application.ts";
import { countAgainst } from "../http/rate-limit.ts";
import type { Logger } from "../observability/log.ts";
import { logFailure } from "../observability/log-failure.ts";
import { exportText, readBeginning } from "./export-text.ts";

/** Answers with everything that is kept of the caller, as JSON. */
export async function answerExport(context: ApplicationContext): Promise<Response> {
  const { userDatabase: own, log } = context.var;
  // It costs as much as there is; as many a minute as somebody may try passwords.
  await countAgainst(context, "SIGN_IN_EMAIL_RATE_LIMITER", `export ${own.userId}`);
  const beginning = await readBeginning(own);
  log.info("export");
  return context.body(toByteStream(toBytes(exportText(own, beginning, new Date()), log)), 200, {
    "Content-Type": "application/json",
    "Content-Disposition": 'attachment; filename="tasks-export.json"',
    "Cache-Control": "no-store",
  });
}

/** What fails on the way is logged, and breaks the answer off, so that nobody takes a part for the whole. */
async function* toBytes(text: AsyncGenerator<string>, log: Logger): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  try {
    for await (const piece of text) yield encoder.encode(piece);
  } catch (error) {
    logFailure(log, toApplicationError(error));
    throw error;
  }
}
