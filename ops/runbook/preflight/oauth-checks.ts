import { RunbookError } from "../runbook-error.ts";
import { checkOAuth } from "../smoke/oauth-checks.ts";
import { type PreflightContext, seen } from "./check.ts";

const SWITCHED_ON_BY =
  "OAuth clients and personal tokens are refused, and so are sessions of a site; on with the release after the first that holds scopes: docs/deployment.md";

/** Whether OAuth is on in what would be released, and whether it has what it needs; of the secret another check speaks. */
export async function checkOAuthSwitch({ target }: Pick<PreflightContext, "target">) {
  const bound = target.kvBindings.find(({ binding }) => binding === "OAUTH_KV");
  if (bound === undefined) return seen("off: no KV namespace is bound as OAUTH_KV");
  if (!bound.id) throw new RunbookError(`OAUTH_KV has no id in ${target.configPath}: run setup, which makes it`);
  const { origin, protocol } = new URL(target.baseUrl);
  if (protocol !== "https:" || origin !== target.baseUrl.replace(/\/+$/, "")) {
    throw new RunbookError(`BASE_URL must be an https origin for OAuth, without a path, and not ${target.baseUrl}`);
  }
  const { SCOPED_CREDENTIALS = "on" } = target.variables;
  if (SCOPED_CREDENTIALS === "off") return seen(`SCOPED_CREDENTIALS is off: ${SWITCHED_ON_BY}`);
  return seen(`SCOPED_CREDENTIALS is ${SCOPED_CREDENTIALS}, OAUTH_KV is ${bound.id}`);
}

/** Whether a client finds out from outside how to sign in. */
export async function checkOAuthFromOutside({ deployment, target }: Pick<PreflightContext, "deployment" | "target">) {
  return seen(await checkOAuth(deployment, target.baseUrl));
}
