import { once } from "node:events";
import { connect, type TLSSocket } from "node:tls";
import { checkScheduleRuns } from "../release/cron-triggers.ts";
import { isWorkerDeployed } from "../release/deployed-worker.ts";
import { hasCode, RunbookError, reasonOf } from "../runbook-error.ts";
import { notChecked, type PreflightCheck, type PreflightContext, seen } from "./check.ts";
import { checkOAuthFromOutside } from "./oauth-checks.ts";

const CERTIFICATE_DAYS = 14;
const LEAST_HSTS_SECONDS = 180 * 86_400;
const WITHIN_MILLISECONDS = 10_000;

const REQUIRED_HEADERS: Readonly<Record<string, RegExp>> = {
  "content-security-policy": /default-src 'none'|default-src 'self'/,
  "x-content-type-options": /^nosniff$/,
  "x-frame-options": /^(DENY|SAMEORIGIN)$/i,
  "referrer-policy": /no-referrer|strict-origin/,
};

/** What the world sees of the deployment in force. */
export const edgeChecks: readonly PreflightCheck[] = [
  { name: "certificate", run: onDeployed((context) => checkCertificate(context)) },
  { name: "HTTPS redirect", run: onDeployed((context) => checkRedirect(context)) },
  { name: "HSTS", run: onDeployed(checkHsts) },
  { name: "security headers", run: onDeployed(checkHeaders) },
  { name: "CORS", run: onDeployed(checkCors) },
  { name: "cron triggers", run: onDeployed(async (context) => seen(await checkScheduleRuns(context))) },
  { name: "OAuth metadata", run: onDeployed(checkOAuthFromOutside) },
  {
    name: "health check",
    run: onDeployed(async ({ deployment }) => {
      const { database, version } = await deployment.health();
      return seen(`200, database ${database}, version ${version}`);
    }),
  },
];

const deployed = new WeakMap<PreflightContext, Promise<boolean>>();

/** Before the first release there is nothing to look at. */
function onDeployed(check: PreflightCheck["run"]): PreflightCheck["run"] {
  return async (context) => {
    const asking = deployed.get(context) ?? isWorkerDeployed(context.wrangler, context.target.migrationTag);
    deployed.set(context, asking);
    return (await asking) ? check(context) : notChecked("nothing is deployed yet");
  };
}

type EdgeContext = Pick<PreflightContext, "deployment">;

/** @throws RunbookError when there is no certificate that is valid for two weeks more */
export async function checkCertificate({ deployment }: EdgeContext, withinMilliseconds = WITHIN_MILLISECONDS) {
  const { url } = deployment;
  if (url.protocol !== "https:") throw new RunbookError(`${url.origin} is not https`);
  const socket = connect({
    host: url.hostname,
    port: Number(url.port || 443),
    servername: url.hostname,
  });
  const timeout = AbortSignal.timeout(withinMilliseconds);
  try {
    await once(socket, "secureConnect", { signal: timeout });
    return judgeCertificate(socket);
  } catch (error) {
    if (timeout.aborted) throw new RunbookError(`no TLS within ${withinMilliseconds / 1000} seconds`);
    throw error instanceof RunbookError ? error : new RunbookError(`not valid: ${reasonOf(error)}`);
  } finally {
    socket.destroy();
  }
}

function judgeCertificate(socket: TLSSocket) {
  const { valid_to: validTo } = socket.getPeerCertificate();
  const days = Math.floor((Date.parse(validTo) - Date.now()) / 86_400_000);
  if (days < CERTIFICATE_DAYS) throw new RunbookError(`it ends in ${days} days`);
  return seen(`valid for ${days} days, ${socket.getProtocol() ?? "TLS"}`);
}

/** @throws RunbookError when http is answered by anything but a redirect to https, or cannot be asked */
export async function checkRedirect({ deployment }: EdgeContext, withinMilliseconds = WITHIN_MILLISECONDS) {
  const plain = new URL("/health", deployment.url);
  if (plain.protocol !== "https:") throw new RunbookError(`${plain.origin} is not https`);
  plain.protocol = "http:";
  const response = await fetch(plain, { redirect: "manual", signal: AbortSignal.timeout(withinMilliseconds) }).catch(
    (error: unknown) => {
      // Only that says that nobody listens: a name that is not found or a time-out says nothing of other places.
      if (isRefused(error)) return undefined;
      throw new RunbookError(`${plain.origin} cannot be asked: ${reasonOf(error)}`, { cause: error });
    },
  );
  if (response === undefined) return seen("nothing answers over http");
  const location = response.headers.get("location") ?? "";
  if (response.status < 300 || response.status > 399 || !location.startsWith("https://")) {
    throw new RunbookError(`http is answered with ${response.status}: switch on "Always Use HTTPS" for the zone`);
  }
  return seen(`http is redirected by ${response.status}`);
}

/** Whether a connection was refused, at each address where there are several. */
function isRefused(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isRefused);
  return hasCode(error, "ECONNREFUSED") || (error instanceof Error && isRefused(error.cause));
}

async function checkHsts({ deployment }: PreflightContext) {
  const value = (await deployment.send("/health")).headers.get("strict-transport-security") ?? "";
  const seconds = Number(/max-age=(\d+)/.exec(value)?.[1] ?? 0);
  if (seconds < LEAST_HSTS_SECONDS) throw new RunbookError(`Strict-Transport-Security is ${JSON.stringify(value)}`);
  return seen(value);
}

async function checkHeaders({ deployment }: PreflightContext) {
  const { headers } = await deployment.send("/health");
  const wrong = Object.entries(REQUIRED_HEADERS).filter(([name, value]) => !value.test(headers.get(name) ?? ""));
  if (wrong.length > 0) throw new RunbookError(`missing or weak: ${wrong.map(([name]) => name).join(", ")}`);
  return seen(Object.keys(REQUIRED_HEADERS).join(", "));
}

/** An origin of CORS_ORIGINS is let in, another one is not. */
async function checkCors({ deployment, target }: PreflightContext) {
  const [own = ""] = (target.variables.CORS_ORIGINS ?? "").split(",");
  const allowed = async (Origin: string) =>
    (await deployment.send("/mcp/tools", { headers: { Origin } })).headers.get("access-control-allow-origin");
  if ((await allowed(own)) !== own) throw new RunbookError(`${own} is not let in`);
  const foreign = await allowed("https://somebody-else.invalid");
  if (foreign !== null) throw new RunbookError(`a foreign origin is let in as ${foreign}`);
  return seen(`${own} is let in, a foreign origin is not`);
}
