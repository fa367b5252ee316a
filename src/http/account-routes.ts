import { Hono } from "hono";
import type { Application } from "./application.ts";
import { limitAddress } from "./rate-limit.ts";

/** Loaded with the first request to accounts: CODEBASE.md says why. */
const handlers = () => import("./account-handlers.ts");
const changeHandlers = () => import("./account-change-handlers.ts");

/** Limits from each address what has a password hashed. */
export const limitSignIns = limitAddress("SIGN_IN_ADDRESS_RATE_LIMITER");

/** Accounts: sign up, sign in, sign out, who am I, change and delete me. */
export const accountRoutes = new Hono<Application>()
  .post("/signup", async (context) => (await handlers()).answerSignUp(context))
  .post("/signin", async (context) => (await handlers()).answerSignIn(context))
  .post("/signout", async (context) => (await handlers()).answerSignOut(context))
  .get("/me", async (context) => (await handlers()).answerMe(context))
  .patch("/me", async (context) => (await changeHandlers()).answerChange(context))
  .delete("/me", limitSignIns, async (context) => (await handlers()).answerDeletion(context));
