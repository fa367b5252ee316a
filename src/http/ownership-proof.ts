import { ApplicationError } from "../errors.ts";
import type { ApplicationContext } from "./application.ts";

/** By what each directory sees that its publisher has this domain, and at which path it looks. */
const proofs = {
  "mcp-registry-auth": "MCP_REGISTRY_AUTH",
  "openai-apps-challenge": "OPENAI_APPS_CHALLENGE",
} as const;

/**
 * Answers a directory that asks for its proof below `/.well-known/`.
 *
 * @throws ApplicationError `not_found` where the operator has set none
 */
export function answerOwnershipProof(context: ApplicationContext, name: keyof typeof proofs): Response {
  const variable = proofs[name];
  const proof = context.var.configuration[variable];
  if (proof === undefined)
    throw new ApplicationError("not_found", `The operator of this server has set no ${variable}.`);
  return context.text(proof, 200, { "Cache-Control": "no-store" });
}
