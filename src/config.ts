import * as z from "zod";
import { ApplicationError } from "./errors.ts";

const MINIMUM_SECRET_LENGTH = 32;

const secret = z
  .string()
  .min(MINIMUM_SECRET_LENGTH, { error: `must be at least ${MINIMUM_SECRET_LENGTH} characters long` });

const origin = z.string().refine(isOrigin, {
  error:
    "must be origins such as https://example.com, http://127.0.0.1:5173 or chrome-extension://abcdef, without a path, separated by commas",
});

const httpUrl = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });

const baseUrl = httpUrl.transform((value) => value.replace(/\/+$/, ""));

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/, error: "must be a postgres:// URL" });

function wholeNumber(minimum: number, maximum: number) {
  const error = `must be a whole number from ${minimum} to ${maximum}`;
  return z.coerce
    .number({ error })
    .refine((value) => Number.isInteger(value) && value >= minimum && value <= maximum, { error });
}

function oneOf<const Options extends readonly string[]>(options: Options) {
  return z.enum(options, { error: `must be one of ${options.join(", ")}` });
}

/**
 * Whether a text is just what some browser or desktop app sends as `Origin` (WHATWG HTML, ASCII serialisation of an
 * origin): a scheme, a host and a port where it is not the scheme's own. Extensions and apps have schemes of their own.
 */
function isOrigin(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, host, origin: serialised } = new URL(value);
  // No wildcard. `file:` and `data:` have no host, and `null` for an Origin.
  if (!/^[\w.:[\]-]+$/.test(host)) return false;
  // The platform serialises a scheme that it does not know as `null`; the app that sends such an Origin writes it out.
  return (serialised === "null" ? `${protocol}//${host}` : serialised) === value;
}

const variables = {
  ENVIRONMENT: oneOf(["development", "staging", "production"])
    .default("development")
    .describe("Which of wrangler.toml's environments this is."),
  LOG_LEVEL: oneOf(["debug", "info", "warn", "error"])
    .default("info")
    .describe("The least severe log line that is written; request lines always are."),
  BASE_URL: baseUrl.describe("The URL people and clients reach this server by; tokens are issued by and for it."),
  CORS_ORIGINS: z
    .string()
    .default("")
    .transform((list) =>
      list
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
    )
    .pipe(z.array(origin))
    .describe(
      "The origins that may call this server from a browser or a desktop app, as they send them, separated by commas: https://example.com, chrome-extension://…, app://….",
    ),
  DATABASE_URL: postgresUrl.describe("Secret. Postgres as the worker's role task_worker; Neon's pooled endpoint."),
  NEON_FETCH_ENDPOINT: httpUrl
    .optional()
    .describe("Where SQL over HTTP goes instead of to Neon; for one machine only, never in production."),
  DATABASE_TIMEOUT: wholeNumber(3, 60)
    .default(10)
    .describe(
      "How many seconds a call may take in the database, repeats included, from 3 to 60; it is undone after that.",
    ),
  JWT_SECRET: secret.describe("Secret. Signs the bearer tokens; 32 characters or more."),
  JWT_SECRET_PREVIOUS: secret
    .optional()
    .describe("Secret. Tokens signed with it still count while JWT_SECRET is being rotated."),
  TOKEN_SECRET: secret
    .optional()
    .describe(
      "Secret. Signs personal tokens, which outlive a change of JWT_SECRET, and the sessions of the consent page; 32 characters or more. Without it there are no personal tokens and no OAuth.",
    ),
  TOKEN_SECRET_PREVIOUS: secret
    .optional()
    .describe("Secret. What was made with it still counts while TOKEN_SECRET is being rotated."),
  BETTER_AUTH_SECRET: secret
    .optional()
    .describe(
      "Secret. The secret of a Better Auth site whose sessions are let in, from its cookie cache of strategy jwt; 32 characters or more.",
    ),
  AUTH_JWKS_URL: z
    .url({ protocol: /^https?$/, error: "must be an https URL" })
    .optional()
    .describe(
      "Where the public keys are of a Better Auth site whose sessions are let in, such as https://example.com/api/auth/jwks.",
    ),
  AUTH_ISSUER: httpUrl
    .max(300, { error: "must be at most 300 characters long" })
    .optional()
    .describe(
      "What that site's tokens have for an issuer, and whose its users are: never change it. Without it the origin of AUTH_JWKS_URL, or better-auth.",
    ),
  SCOPED_CREDENTIALS: oneOf(["on", "off"])
    .default("on")
    .describe(
      "Whether personal tokens, OAuth clients and the sessions of a site are let in: off while a release serves too, or may be rolled back to, that holds no scopes.",
    ),
  CLIENT_DOCUMENTS: oneOf(["on", "off"])
    .default("on")
    .describe(
      "Whether an OAuth client may be the URL of its own description, which the server fetches: off where it may not reach the internet, and clients register then. `npm start` sets off.",
    ),
  SIGN_CURSORS: oneOf(["on", "off"])
    .default("on")
    .describe("Whether the cursors of lists are signed: off while a release serves too that cannot read signed ones."),
  SESSION_IDLE_HOURS: z.coerce
    .number({ error: "must be a number of hours" })
    .positive({ error: "must be more than 0" })
    .max(720, { error: "must be 720 at most" })
    .default(24)
    .describe("After how many hours without a request an MCP session is deleted; a part of an hour is fine."),
  OPENAI_API_KEY: z
    .string()
    .min(1, { error: "must not be empty; leave it out where there is no model" })
    .optional()
    .describe("Secret. The key of the model's provider; without it chat answers 503."),
  OPENAI_BASE_URL: baseUrl
    .default("https://api.openai.com/v1")
    .describe("Where the model is: OpenAI, or any server that speaks its Responses API."),
  OPENAI_MODEL: z
    .string()
    .min(1, { error: "must not be empty" })
    .default("gpt-6-luna")
    .describe("The model that answers in chat."),
  OPENAI_REASONING_EFFORT: oneOf(["none", "minimal", "low", "medium", "high", "xhigh", "max"])
    .optional()
    .describe(
      "How much the model thinks before it answers: none, minimal, low, medium, high, xhigh or max; not every model takes each. Without it the model decides.",
    ),
  OPENAI_VERBOSITY: oneOf(["low", "medium", "high"])
    .optional()
    .describe("How many words the model makes: low, medium or high. Without it the model decides."),
  OPENAI_MAX_OUTPUT_TOKENS: wholeNumber(256, 128_000)
    .default(16_384)
    .describe(
      "How many tokens one answer of the model may have, what it thinks among them, from 256 to 128,000; the model is cut short there.",
    ),
  AGENT_TIMEOUT: wholeNumber(1, 300)
    .default(30)
    .describe("For how many seconds the model may say nothing before a chat turn fails, from 1 to 300."),
  AGENT_TOTAL_TIMEOUT: wholeNumber(1, 900)
    .default(180)
    .describe("How many seconds a chat turn may take in all, from 1 to 900."),
  MAX_CONVERSATION_HISTORY: wholeNumber(2, 200)
    .default(20)
    .describe(
      "How many of a conversation's last messages the model is shown at most, from 2 to 200; between that and half of it, so that the provider has the beginning in its cache.",
    ),
  DAILY_TOKEN_BUDGET: wholeNumber(1_000, 1_000_000_000)
    .default(500_000)
    .describe("How many of the model's tokens a user's chats may use in a day (UTC), from 1,000 to 1,000,000,000."),
  DAILY_TOKEN_BUDGET_ADDRESS: wholeNumber(1_000, 1_000_000_000_000)
    .default(2_000_000)
    .describe("How many of the model's tokens the chats from one address may use in a day (UTC), from 1,000."),
  DAILY_TOKEN_BUDGET_TOTAL: wholeNumber(1_000, 1_000_000_000_000)
    .default(20_000_000)
    .describe("How many of the model's tokens the chats of all accounts together may use in a day (UTC), from 1,000."),
  // A release makes about fifteen from the operator's own address, to try each stage with.
  SIGN_UPS_PER_ADDRESS: wholeNumber(1, 1_000_000)
    .default(100)
    .describe("How many accounts may be made from one address in a day (UTC), from 1 to 1,000,000."),
  HISTORY_DAYS: wholeNumber(30, 3_650)
    .default(365)
    .describe("For how many days changes of tasks are kept, to be read and undone, from 30 to 3,650."),
  SLOW_QUERY_MS: wholeNumber(1, 60_000)
    .default(100)
    .describe("From how many milliseconds on a request to the database is logged as slow, from 1 to 60,000."),
  METRICS_TOKEN: secret
    .regex(/^[\w.~+/=-]+$/, { error: "must have letters, digits and - . _ ~ + / = only, as a bearer token does" })
    .optional()
    .describe("Secret. The bearer token that reads /metrics; 32 characters or more. Without it /metrics answers 404."),
  SENTRY_DSN: z
    .url({ protocol: /^https?$/, error: "must be the DSN of a Sentry project, an http or https URL" })
    .optional()
    .describe("Where errors that are ours are reported to; without it they are only logged."),
  MAIL_WEBHOOK_URL: httpUrl
    .optional()
    .describe(
      "Secret. What sends this server's mails: it is posted each as JSON. Without it nobody can change their e-mail, and a forgotten password is for the operator.",
    ),
  MAIL_WEBHOOK_SECRET: secret
    .optional()
    .describe("Secret. Signs what MAIL_WEBHOOK_URL is posted; 32 characters or more, needed with it."),
  SECURITY_CONTACT: z
    .url({
      protocol: /^(mailto|https|tel)$/,
      error: "must be a URI such as mailto:security@example.com or https://example.com/report",
    })
    .regex(/^\S+$/)
    .optional()
    .describe("Whom to tell of a fault that concerns security: what /.well-known/security.txt says (RFC 9116)."),
  PRIVACY_URL: httpUrl
    .optional()
    .describe("The privacy policy that people are led to where they sign in, and clients by OAuth's metadata."),
  TERMS_URL: httpUrl.optional().describe("The terms of service, which are told of in the same places."),
  MCP_REGISTRY_AUTH: z
    .string()
    .regex(/^v=MCPv1; k=(?:ed25519|ecdsap384); p=[\w+/]+={0,2}$/, {
      error: "must be the proof that mcp-publisher shows, such as v=MCPv1; k=ed25519; p=…",
    })
    .optional()
    .describe("What proves to the MCP registry whose this domain is: answered at /.well-known/mcp-registry-auth."),
  OPENAI_APPS_CHALLENGE: z
    .string()
    .regex(/^[!-~]{8,500}$/, { error: "must be the token as ChatGPT's submission shows it, without spaces" })
    .optional()
    .describe("What proves the same to ChatGPT's directory: answered at /.well-known/openai-apps-challenge."),
} satisfies Record<string, z.ZodType>;

const configurationSchema = z.object(variables).superRefine((configuration, context) => {
  if (configuration.MAIL_WEBHOOK_URL !== undefined && configuration.MAIL_WEBHOOK_SECRET === undefined) {
    context.addIssue({ code: "custom", path: ["MAIL_WEBHOOK_SECRET"], message: "must be set with MAIL_WEBHOOK_URL" });
  }
  if (configuration.ENVIRONMENT === "development") return;
  if (configuration.MAIL_WEBHOOK_URL?.startsWith("http:")) {
    context.addIssue({
      code: "custom",
      path: ["MAIL_WEBHOOK_URL"],
      message: "must be an https URL outside development",
    });
  }
  if (!configuration.BASE_URL.startsWith("https://")) {
    context.addIssue({ code: "custom", path: ["BASE_URL"], message: "must be an https URL outside development" });
  }
  if (configuration.AUTH_JWKS_URL?.startsWith("http:")) {
    context.addIssue({ code: "custom", path: ["AUTH_JWKS_URL"], message: "must be an https URL outside development" });
  }
  if (configuration.NEON_FETCH_ENDPOINT !== undefined) {
    context.addIssue({ code: "custom", path: ["NEON_FETCH_ENDPOINT"], message: "must not be set outside development" });
  }
});

/** Everything the worker reads from its environment, validated. */
export type Configuration = Readonly<z.output<typeof configurationSchema>>;

/** The name of every variable the worker reads. */
export const configurationVariables: readonly string[] = Object.keys(variables);

/** What a variable is for, as `docs/configuration.md` tells it. */
export interface VariableDescription {
  readonly name: string;
  readonly description: string;
  /** Set by `wrangler secret`, and never shown. */
  readonly isSecret: boolean;
  readonly isRequired: boolean;
  /** What counts where it is not set. */
  readonly byDefault: string | undefined;
}

/** Describes every variable, in the order of this file. */
export function describeVariables(): VariableDescription[] {
  return Object.entries(variables).map(([name, schema]: [string, z.ZodType]) => {
    const { description = "" } = schema;
    const unset = schema.safeParse(undefined);
    return {
      name,
      description: description.replace(/^Secret\. /, ""),
      isSecret: description.startsWith("Secret. "),
      isRequired: !unset.success,
      byDefault: unset.data === undefined ? undefined : String(unset.data),
    };
  });
}

const validated = new WeakMap<object, Configuration>();

/**
 * The configuration in a Worker's environment; validated once for each environment object.
 *
 * @throws ApplicationError `misconfigured`, naming each variable that does not fit and never its value
 */
export function readConfiguration(environment: object): Configuration {
  const known = validated.get(environment);
  if (known !== undefined) return known;
  const result = configurationSchema.safeParse(environment);
  if (!result.success) throw misconfigured(environment, result.error.issues);
  validated.set(environment, result.data);
  return result.data;
}

function misconfigured(environment: object, issues: readonly z.core.$ZodIssue[]): ApplicationError {
  const fields = issues.map(({ path: [name], message }) => {
    const field = String(name ?? "");
    return { field, message: Reflect.get(environment, field) === undefined ? "is missing" : message };
  });
  const detail = fields.map(({ field, message }) => `${field} ${message}`).join("; ");
  return new ApplicationError("misconfigured", detail, { fields });
}
