import { createMiddleware } from "hono/factory";
import type { Configuration } from "../config.ts";
import { ApplicationError } from "../errors.ts";
import type { Application } from "../http/application.ts";

const LOCAL_NAMES = ["127.0.0.1", "localhost", "[::1]"];

interface Allowed {
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
}

const allowedFor = new WeakMap<Configuration, Allowed>();

/**
 * Refuses a request that was led here under another name, or by a page that may not call this server (MCP, Transports,
 * Security Warning: DNS rebinding). A request without `Origin` comes from no page.
 *
 * @throws ApplicationError `forbidden`
 */
export const checkHostAndOrigin = createMiddleware<Application>(async (context, next) => {
  const configuration = context.get("configuration");
  const { hosts, origins } = allowedNames(configuration);
  const host = context.req.header("Host") ?? new URL(context.req.url).host;
  if (!hosts.has(host.toLowerCase())) throw new ApplicationError("forbidden", describeForeignHost(configuration));
  const origin = context.req.header("Origin");
  if (origin !== undefined && !origins.has(origin)) {
    throw new ApplicationError(
      "forbidden",
      "Pages of that Origin may not call this server; CORS_ORIGINS names those that may.",
    );
  }
  await next();
});

/** A plain `wrangler deploy` ships the development environment, which knows itself by this machine's names only. */
function describeForeignHost({ BASE_URL, ENVIRONMENT }: Configuration): string {
  const only = `This server answers only to the host of its BASE_URL, ${BASE_URL}.`;
  if (ENVIRONMENT !== "development") return only;
  return `${only} It is the development environment: deploy with wrangler deploy --env production, after npm run runbook -- setup.`;
}

function allowedNames(configuration: Configuration): Allowed {
  const known = allowedFor.get(configuration);
  if (known !== undefined) return known;
  const own = ownOrigins(configuration);
  const allowed = {
    hosts: new Set(own.map(({ host }) => host)),
    origins: new Set([...own.map(({ origin }) => origin), ...configuration.CORS_ORIGINS]),
  };
  allowedFor.set(configuration, allowed);
  return allowed;
}

/** BASE_URL; in development also this machine's other names, on the same port. */
function ownOrigins({ BASE_URL, ENVIRONMENT }: Configuration): URL[] {
  const base = new URL(BASE_URL);
  if (ENVIRONMENT !== "development") return [base];
  const port = base.port === "" ? "" : `:${base.port}`;
  return [base, ...LOCAL_NAMES.map((name) => new URL(`${base.protocol}//${name}${port}`))];
}
