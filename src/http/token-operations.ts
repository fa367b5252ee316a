import * as z from "zod";
import { personalTokenSchema } from "../auth/personal-tokens.ts";
import { makeTokenSchema } from "./account-input.ts";
import { BODY_ERRORS, type Operations } from "./operation.ts";

/** What the routes of token-routes.ts do. */
export const tokenOperations: Operations = {
  "GET /api/auth/tokens": {
    summary: "The personal tokens, with their last use",
    tag: "Accounts",
    security: "bearer",
    answer: {
      status: 200,
      description: "The newest first; the tokens themselves are not shown again.",
      content: z.object({ tokens: z.array(personalTokenSchema) }),
    },
    errors: ["forbidden"],
  },
  "POST /api/auth/tokens": {
    summary: "Make a personal token, for an agent that nobody sits before",
    description:
      "It is a bearer token wherever one is taken, and is shown this once. Signing out does not end it, so making one wants the password. A personal token makes no other.",
    tag: "Accounts",
    security: "bearer",
    body: makeTokenSchema,
    example: {
      name: "Laptop",
      scopes: ["tasks:read", "tasks:write"],
      expires_in_days: 90,
      password: "correct horse battery",
    },
    answer: {
      status: 201,
      description: "The token, and what is kept of it.",
      content: z.object({ token: z.string().meta({ description: "tsk_…" }), ...personalTokenSchema.shape }),
    },
    errors: [...BODY_ERRORS, "forbidden", "conflict", "unavailable"],
  },
  "DELETE /api/auth/tokens/{id}": {
    summary: "Cut a personal token off",
    tag: "Accounts",
    security: "bearer",
    answer: { status: 204, description: "Cut off, as of its next call." },
    errors: ["forbidden", "not_found"],
  },
};
