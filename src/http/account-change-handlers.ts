import { changeProfile } from "../auth/account-changes.ts";
import { parseInput } from "../input.ts";
import { changeAccountSchema } from "./account-input.ts";
import type { ApplicationContext } from "./application.ts";
import { readJsonBody } from "./json-body.ts";

/** Changes the caller's account, and answers with it. */
export async function answerChange(context: ApplicationContext): Promise<Response> {
  const { name, time_zone: timeZone } = parseInput(changeAccountSchema, await readJsonBody(context));
  return context.json({ user: await changeProfile(context.var.userDatabase, { name, timeZone }) });
}
