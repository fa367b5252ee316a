import { z } from "zod";
import { describeVariables, readConfiguration } from "../../../src/config.ts";
import { ApplicationError } from "../../../src/errors.ts";
import { isPlaceholder, refusePlaceholder } from "../release-target.ts";
import { RunbookError, reasonOf } from "../runbook-error.ts";
import { notChecked, type PreflightCheck, type PreflightContext, seen } from "./check.ts";
import { checkOAuthSwitch } from "./oauth-checks.ts";

const MODEL_WITHIN_MILLISECONDS = 30_000;

/** Variables and secrets: there, long enough, and as production needs them. */
export const configurationChecks: readonly PreflightCheck[] = [
  {
    name: "environment file",
    async run({ settings }) {
      if (!settings.file.exists) throw new RunbookError(`${settings.file.path} is not there`);
      return seen(settings.file.path);
    },
  },
  { name: "variables", run: checkVariables },
  { name: "secrets at Cloudflare", run: checkSecrets },
  {
    name: "BETTER_AUTH_SECRET",
    async run({ settings }) {
      const length = settings.get("BETTER_AUTH_SECRET")?.length;
      if (length === undefined) return notChecked("not set: sessions of a Better Auth site are not accepted");
      if (length < 32) throw new RunbookError(`${length} characters, 32 are needed`);
      return seen(`${length} characters`);
    },
  },
  { name: "OAuth", run: checkOAuthSwitch },
  {
    name: "TOKEN_SECRET",
    async run({ settings, wrangler }) {
      const atCloudflare = (await wrangler.secretNames()) ?? [];
      if (settings.get("TOKEN_SECRET") === undefined && !atCloudflare.includes("TOKEN_SECRET")) {
        return notChecked("not set: no personal tokens are made, and no OAuth client connects; setup makes one");
      }
      return seen("set: personal tokens and OAuth clients outlive a change of JWT_SECRET");
    },
  },
  {
    name: "log level",
    async run({ target }) {
      const level = target.variables.LOG_LEVEL;
      if (level !== "warn" && level !== "error") throw new RunbookError(`LOG_LEVEL is ${level}, not warn or error`);
      return seen(`LOG_LEVEL is ${level}`);
    },
  },
  {
    name: "CORS origins",
    async run({ target }) {
      const origins = (target.variables.CORS_ORIGINS ?? "").split(",").filter((origin) => origin !== "");
      if (origins.length === 0) throw new RunbookError("CORS_ORIGINS is empty");
      // Extensions and desktop apps have schemes of their own, and some of them localhost for a host.
      const wrong = origins.filter(
        (origin) => isPlaceholder(origin) || /^http:|^https:.*(localhost|127\.0\.0\.1)/.test(origin),
      );
      if (wrong.length > 0) throw new RunbookError(`not production's: ${wrong.join(", ")}`);
      return seen(origins.join(", "));
    },
  },
  { name: "model", run: askModel },
  {
    name: "error tracking",
    async run({ settings }) {
      const dsn = settings.get("SENTRY_DSN");
      if (dsn === undefined) throw new RunbookError("SENTRY_DSN is not set");
      return seen(`SENTRY_DSN leads to ${new URL(dsn).host}; monitoring sends a test event`);
    },
  },
  {
    name: "mails",
    async run({ settings }) {
      const url = settings.get("MAIL_WEBHOOK_URL");
      if (url === undefined) {
        return seen("no MAIL_WEBHOOK_URL: nobody changes their e-mail, and reset-password makes links by hand");
      }
      if (settings.get("MAIL_WEBHOOK_SECRET") === undefined) throw new RunbookError("MAIL_WEBHOOK_SECRET is not set");
      return seen(`MAIL_WEBHOOK_URL leads to ${new URL(url).host}`);
    },
  },
];

/** By the worker's own schema, with the values it would have. */
async function checkVariables({ settings, target }: PreflightContext) {
  const secrets = describeVariables().flatMap(({ name }) => {
    const value = settings.get(name);
    return value === undefined || name in target.variables ? [] : [[name, value]];
  });
  try {
    readConfiguration({ ...Object.fromEntries(secrets), ...target.variables });
  } catch (error) {
    if (error instanceof ApplicationError) throw new RunbookError(error.message);
    throw error;
  }
  refusePlaceholder(target);
  return seen(
    `${secrets.length} from ${settings.file.path}, ${Object.keys(target.variables).length} from the configuration`,
  );
}

async function checkSecrets({ wrangler }: PreflightContext) {
  const names = await wrangler.secretNames();
  if (names === undefined) throw new RunbookError("there is no worker yet: run setup first");
  const missing = describeVariables().filter(
    ({ name, isSecret, isRequired }) => isSecret && isRequired && !names.includes(name),
  );
  if (missing.length > 0) throw new RunbookError(`not set: ${missing.map(({ name }) => name).join(", ")}: run setup`);
  return seen(names.join(", "));
}

/** The cheapest call that needs the key and the model: a few tokens, of which only the status is looked at. */
async function askModel({ settings, target }: PreflightContext) {
  const key = settings.get("OPENAI_API_KEY");
  if (key === undefined) throw new RunbookError("OPENAI_API_KEY is not set: chat would answer 503");
  const setting = (name: string) =>
    settings.get(name) ??
    target.variables[name] ??
    describeVariables().find((variable) => variable.name === name)?.byDefault ??
    "";
  const model = setting("OPENAI_MODEL");
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), MODEL_WITHIN_MILLISECONDS);
  try {
    const response = await fetch(`${setting("OPENAI_BASE_URL")}/responses`, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      body: JSON.stringify({
        model,
        instructions: "Answer with one word.",
        input: [{ role: "user", content: "Ping" }],
        tools: [],
        max_output_tokens: 16,
        store: false,
        stream: true,
      }),
      signal: controller.signal,
    });
    const { status } = z.object({ status: z.number() }).parse(response);
    if (status !== 200) throw new RunbookError(`${model} answered ${status}`);
    return seen(`${model} answered 200`);
  } catch (error) {
    throw error instanceof RunbookError ? error : new RunbookError(`the model cannot be reached: ${reasonOf(error)}`);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}
