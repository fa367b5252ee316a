import * as z from "zod";
import { userSchema } from "../auth/accounts.ts";
import {
  changeAccountSchema,
  deleteAccountSchema,
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
    summary: "End this token, or every token of the user",
    tag: "Accounts",
    security: "bearer",
    body: signOutSchema,
    example: { everywhere: true },
    answer: { status: 204, description: "Signed out, as of the next call." },
    errors: [...BODY_ERRORS],
  },
  "GET /api/auth/me": {
    summary: "Who the token belongs to",
    tag: "Accounts",
    security: "bearer",
    answer: { status: 200, description: "The user.", content: z.object({ user: userSchema }) },
    errors: [],
  },
  "PATCH /api/auth/me": {
    summary: "Change the name or the time zone",
    description: "What the body does not name stays as it is.",
    tag: "Accounts",
    security: "bearer",
    body: changeAccountSchema,
    example: { name: "Ada Lovelace", time_zone: "Europe/London" },
    answer: { status: 200, description: "The user as they are then.", content: z.object({ user: userSchema }) },
    errors: [...BODY_ERRORS],
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
};
