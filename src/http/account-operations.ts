import * as z from "zod";
import { accountSchema, userSchema } from "../auth/accounts.ts";
import { clientSchema } from "../auth/connected-clients.ts";
import { connectedSchema } from "../auth/sign-out.ts";
import {
  changeAccountSchema,
  changePasswordSchema,
  confirmEmailSchema,
  deleteAccountSchema,
  forgottenPasswordSchema,
  resetPasswordSchema,
  signInSchema,
  signOutSchema,
  signUpSchema,
} from "./account-input.ts";
import { BODY_ERRORS, type Operations } from "./operation.ts";

const sessionSchema = z.object({
  token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int().meta({ description: "Seconds." }),
  user: userSchema,
});

/** In the form of one. */
const EXAMPLE_TOKEN = "Zk3wV0y7T1p9mQ2sX8dR4uJ6hN5bC0aE-fG1iK_LoPq";

/** What the routes of account-routes.ts do. */
export const accountOperations: Operations = {
  "POST /api/auth/signup": {
    summary: "Make an account",
    tag: "Accounts",
    security: "anyone",
    body: signUpSchema,
    example: { email: "ada@example.com", password: "correct horse battery", name: "Ada", time_zone: "Europe/London" },
    answer: { status: 201, description: "A token of the new account.", content: sessionSchema },
    errors: [...BODY_ERRORS, "conflict"],
  },
  "POST /api/auth/signin": {
    summary: "Sign in",
    tag: "Accounts",
    security: "anyone",
    body: signInSchema,
    example: { email: "ada@example.com", password: "correct horse battery" },
    answer: { status: 200, description: "A token.", content: sessionSchema },
    errors: [...BODY_ERRORS, "unauthenticated"],
  },
  "POST /api/auth/signout": {
    summary: "End this credential, or every sign-in of the user",
    description: "Clients and personal tokens go on, unless cut_off says that they end too.",
    tag: "Accounts",
    security: "bearer",
    body: signOutSchema,
    example: { everywhere: true },
    answer: { status: 204, description: "Signed out, as of the next call." },
    errors: [...BODY_ERRORS, "forbidden"],
  },
  "GET /api/auth/me": {
    summary: "Who the token belongs to",
    tag: "Accounts",
    security: "bearer",
    answer: { status: 200, description: "The user.", content: z.object({ user: accountSchema }) },
    errors: [],
  },
  "PATCH /api/auth/me": {
    summary: "Change the name, the time zone, the first day of the week or the e-mail",
    description:
      "What the body does not name stays as it is. Another e-mail wants the password, and is the account's once the link was opened that is sent there.",
    tag: "Accounts",
    security: "bearer",
    body: changeAccountSchema,
    example: { name: "Ada Lovelace", time_zone: "Europe/London" },
    answer: {
      status: 200,
      description: "The user as they are then, and where a link went.",
      content: z.object({
        user: accountSchema,
        confirmation: z.object({ email: z.string(), expires_in: z.int().meta({ description: "Seconds." }) }).optional(),
      }),
    },
    errors: [...BODY_ERRORS, "forbidden", "conflict"],
  },
  "DELETE /api/auth/me": {
    summary: "Delete the account with everything in it",
    tag: "Accounts",
    security: "bearer",
    body: deleteAccountSchema,
    example: { password: "correct horse battery" },
    answer: { status: 204, description: "Deleted." },
    errors: [...BODY_ERRORS, "forbidden"],
  },
  "POST /api/auth/email": {
    summary: "Confirm another e-mail by the link that was sent there",
    tag: "Accounts",
    security: "anyone",
    body: confirmEmailSchema,
    example: { token: EXAMPLE_TOKEN },
    answer: { status: 200, description: "The user, with that e-mail.", content: z.object({ user: userSchema }) },
    errors: [...BODY_ERRORS, "conflict"],
  },
  "POST /api/auth/password": {
    summary: "Change the password",
    description:
      "Every sign-in ends, and the answer carries a new one. Clients and personal tokens go on, and are counted; cut_off ends them too.",
    tag: "Accounts",
    security: "bearer",
    body: changePasswordSchema,
    example: { password: "correct horse battery", new_password: "staple that nobody knows" },
    answer: {
      status: 200,
      description: "A new token, and what goes on.",
      content: sessionSchema.extend({ connected: connectedSchema }),
    },
    errors: [...BODY_ERRORS, "forbidden", "conflict"],
  },
  "POST /api/auth/password/forgot": {
    summary: "Have a link sent to set a new password",
    description: "The answer and its time are the same where the e-mail has no account.",
    tag: "Accounts",
    security: "anyone",
    body: forgottenPasswordSchema,
    example: { email: "ada@example.com" },
    answer: { status: 202, description: "On its way.", content: z.object({ message: z.string() }) },
    errors: [...BODY_ERRORS, "not_found"],
  },
  "POST /api/auth/password/reset": {
    summary: "Set a new password by a link",
    description: "The link counts once, for 30 minutes. Every sign-in, client and personal token of the account ends.",
    tag: "Accounts",
    security: "anyone",
    body: resetPasswordSchema,
    example: { token: EXAMPLE_TOKEN, new_password: "staple that nobody knows" },
    answer: { status: 200, description: "A token.", content: sessionSchema },
    errors: [...BODY_ERRORS],
  },
  "GET /api/auth/clients": {
    summary: "The connected clients, with their last use",
    tag: "Accounts",
    security: "bearer",
    answer: {
      status: 200,
      description: "The one that was used last first; 1,000 at most.",
      content: z.object({ clients: z.array(clientSchema) }),
    },
    errors: ["forbidden"],
  },
  "DELETE /api/auth/clients": {
    summary: "Cut every client off",
    tag: "Accounts",
    security: "bearer",
    answer: { status: 204, description: "Cut off, as of their next call." },
    errors: ["forbidden"],
  },
  "DELETE /api/auth/clients/{id}": {
    summary: "Cut a client off",
    tag: "Accounts",
    security: "bearer",
    answer: { status: 204, description: "Cut off, as of its next call." },
    errors: ["forbidden", "not_found"],
  },
};
