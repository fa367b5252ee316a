import { cutOffClient, cutOffClients, listClients } from "../auth/connected-clients.ts";
import { notFound } from "../errors.ts";
import { line } from "../text.ts";
import type { ApplicationContext } from "./application.ts";

/** What Postgres can look for: the library's own are shorter. */
const grantIdSchema = line({ maximum: 200 });

/** Answers with the caller's connected clients. */
export async function answerClients(context: ApplicationContext): Promise<Response> {
  return context.json({ clients: await listClients(context.var.userDatabase) });
}

/** Cuts off one of the caller's clients. */
export async function answerCutOff(context: ApplicationContext, id: string): Promise<Response> {
  if (!grantIdSchema.safeParse(id).success) throw notFound("Client");
  await cutOffClient(context.var.userDatabase, id);
  context.var.log.info("client_cut_off");
  return context.body(null, 204);
}

/** Cuts off all of the caller's clients. */
export async function answerCutOffAll(context: ApplicationContext): Promise<Response> {
  await cutOffClients(context.var.userDatabase);
  context.var.log.info("clients_cut_off");
  return context.body(null, 204);
}
