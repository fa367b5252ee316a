import * as z from "zod";
import { addPersonalToken, deletePersonalToken, listPersonalTokens } from "../auth/personal-tokens.ts";
import { requireTokenSecrets } from "../auth/token-secrets.ts";
import { ApplicationError, notFound } from "../errors.ts";
import { parseInput } from "../input.ts";
import { makeTokenSchema } from "./account-input.ts";
import type { ApplicationContext } from "./application.ts";
import { confirmOwner } from "./confirm-owner.ts";
import { readJsonBody } from "./json-body.ts";

/** Answers with the caller's personal tokens, as far as they may be told again. */
export async function answerTokens(context: ApplicationContext): Promise<Response> {
  return context.json({ tokens: await listPersonalTokens(context.var.userDatabase) });
}

/**
 * Makes a personal token, and answers with it: the one time that it is shown. It outlives the credential that asks for it, so
 * the account's owner confirms it.
 */
export async function answerNewToken(context: ApplicationContext): Promise<Response> {
  const { caller, configuration, userDatabase, log } = context.var;
  if (caller.credential.kind === "personal") {
    throw new ApplicationError("forbidden", "A personal token makes no other: sign in, and make it with that token.");
  }
  const { password, ...input } = parseInput(makeTokenSchema, await readJsonBody(context));
  const secrets = requireTokenSecrets("Personal tokens", "unavailable", configuration);
  await confirmOwner(context, password);
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
