import { Hono } from "hono";
import { loadOnce } from "../load-once.ts";
import type { Application } from "./application.ts";
import { limitAddress } from "./rate-limit.ts";

/** Each is loaded with the first request that needs it: CODEBASE.md says why. */
const handlers = loadOnce(() => import("./account-handlers.ts"));
const changes = loadOnce(() => import("./account-change-handlers.ts"));
const passwords = loadOnce(() => import("./password-handlers.ts"));
const clients = loadOnce(() => import("./client-handlers.ts"));

/** Limits from each address what has a password hashed. */
export const limitSignIns = limitAddress("SIGN_IN_ADDRESS_RATE_LIMITER");

/** Accounts: sign up, sign in, sign out, who am I, change and delete me; passwords, connected clients. */
export const accountRoutes = new Hono<Application>()
  .post("/signup", async (context) => (await handlers()).answerSignUp(context))
  .post("/signin", async (context) => (await handlers()).answerSignIn(context))
  .post("/signout", async (context) => (await handlers()).answerSignOut(context))
  .get("/me", async (context) => (await handlers()).answerMe(context))
  .patch("/me", limitSignIns, async (context) => (await changes()).answerChange(context))
  .delete("/me", limitSignIns, async (context) => (await handlers()).answerDeletion(context))
  .post("/email", async (context) => (await changes()).answerEmailConfirmation(context))
  .post("/password", limitSignIns, async (context) => (await passwords()).answerPasswordChange(context))
  .post("/password/forgot", async (context) => (await passwords()).answerForgottenPassword(context))
  .post("/password/reset", async (context) => (await passwords()).answerPasswordReset(context))
  .get("/clients", async (context) => (await clients()).answerClients(context))
  .delete("/clients", async (context) => (await clients()).answerCutOffAll(context))
  .delete("/clients/:id", async (context) => (await clients()).answerCutOff(context, context.req.param("id")));
