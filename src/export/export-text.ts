import { type AccountRecord, readAccountRecord } from "../auth/account-record.ts";
import { type ConnectedClient, listClients } from "../auth/connected-clients.ts";
import { listPersonalTokens } from "../auth/personal-tokens.ts";
import { allConversations, allMessages } from "../chat/conversation/all-conversations.ts";
import type { UserDatabase } from "../database/user-database.ts";
import { allChanges, allTaskChanges } from "../tasks/all-changes.ts";
import { allTasks } from "../tasks/all-tasks.ts";

/** How what follows is laid out: a program that reads an export looks at it first. */
export const EXPORT_FORMAT = 1;

/** What an export begins with. */
export interface ExportBeginning {
  readonly account: AccountRecord;
  readonly clients: readonly ConnectedClient[];
  readonly personal_tokens: Awaited<ReturnType<typeof listPersonalTokens>>;
}

/**
 * Reads what an export begins with, before anything of it is sent.
 *
 * @throws ApplicationError as `read` does
 */
export async function readBeginning(own: UserDatabase): Promise<ExportBeginning> {
  const account = await readAccountRecord(own);
  return { account, clients: await listClients(own), personal_tokens: await listPersonalTokens(own) };
}

/**
 * The text of an export, piece by piece: JSON, an object whose lists may be long. No more than a page of one is in memory,
 * and none is read before the piece before it was taken.
 *
 * @throws ApplicationError as `read` does, such as where the credential is cut off meanwhile: the text has no end then
 */
export async function* exportText(own: UserDatabase, beginning: ExportBeginning, now: Date): AsyncGenerator<string> {
  const head = JSON.stringify({ format: EXPORT_FORMAT, exported_at: now.toISOString(), ...beginning });
  yield head.slice(0, -1);
  yield* listText("tasks", allTasks(own));
  yield* listText("changes", allChanges(own));
  yield* listText("task_changes", allTaskChanges(own));
  yield* listText("conversations", allConversations(own));
  yield* listText("messages", allMessages(own));
  yield "}\n";
}

async function* listText(name: string, pages: AsyncGenerator<readonly unknown[]>): AsyncGenerator<string> {
  let before = `,${JSON.stringify(name)}:[`;
  for await (const page of pages) {
    yield `${before}${page.map((item) => JSON.stringify(item)).join(",")}`;
    before = ",";
  }
  yield before === "," ? "]" : `${before}]`;
}
