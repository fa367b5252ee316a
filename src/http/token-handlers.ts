import * as z from "zod";
import { addPersonalToken, deletePersonalToken, listPersonalTokens, newTokenSchema } from "../auth/personal-tokens.ts";
import { requireTokenSecrets } from "../auth/token-secrets.ts";
import { notFound } from "../errors.ts";
import { parseInput } from "../input.ts";
import type { ApplicationContext } from "./application.ts";
import { readJsonBody } from "./json-body.ts";

/** Answers with the caller's personal tokens, as far as they may be told again. */
export async function answerTokens(context: ApplicationContext): Promise<Response> {
  return context.json({ tokens: await listPersonalTokens(context.var.userDatabase) });
}

/** Makes a personal token, and answers with it: the one time that it is shown. */
export async function answerNewToken(context: ApplicationContext): Promise<Response> {
  const { configuration, userDatabase, log } = context.var;
  const input = parseInput(newTokenSchema, await readJsonBody(context));
  const secrets = requireTokenSecrets("Personal tokens", "unavailable", configuration);
  const made = await addPersonalToken(userDatabase, input, secrets);
  log.info("personal_token_made", { user_id: userDatabase.userId });
  return context.json(made, 201, { "Cache-Control": "no-store" });
}

/** Cuts a personal token off. */
export async function answerTokenDeletion(context: ApplicationContext, text: string): Promise<Response> {
  const id = z.uuid().safeParse(text).data;
  if (id === undefined) throw notFound("Token");
  await deletePersonalToken(context.var.userDatabase, id);
  return context.body(null, 204);
}
