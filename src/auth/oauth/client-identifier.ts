import { isObject } from "../../json.ts";

// A client's identifier is one that we gave it, or the URL of its own description (Client ID Metadata Document), which the
// library fetches, and with it the keys that it names. Cloudflare's fetch reaches no private network; a worker on a machine of
// one's own might.

/** As long as a grant keeps one. */
const LONGEST_IDENTIFIER = 2000;

/**
 * Names that are no public host's: RFC 6761, RFC 6762, RFC 9476, ICANN's for private use, and those that clusters, containers
 * and routers give.
 */
const PRIVATE_NAMES = [
  "localhost|local|localdomain|internal|intranet|lan|home|corp|mail|private|test|invalid|onion|alt|arpa",
  "svc|cluster|pod|kube|k8s|consul|nomad|docker|containers|vm|domain|workgroup|router|fritz\\.box",
];

/** Public domains every name of which leads to this device, or to the address that it spells: in digits, or otherwise. */
const LEADING_DOMAINS = [
  "nip\\.io|sslip\\.io|xip\\.io|traefik\\.me|rbndr\\.us|1u\\.ms",
  "localtest\\.me|lvh\\.me|vcap\\.me|lacolhost\\.com|localho\\.st|local\\.gd",
];

const NOT_PUBLIC = new RegExp(`(?:^|\\.)(?:${[...PRIVATE_NAMES, ...LEADING_DOMAINS].join("|")})$`);

/** An address that a name spells, as such domains take it, the ones we do not know included. */
const SPELLED_ADDRESS = /(?:^|[.-])\d{1,3}(?:[.-]\d{1,3}){3}(?:[.-]|$)/;

/**
 * Whether somebody's word for a client may be looked up: it is not too long, and where it is a URL its host has a name that
 * may be public. An address never is: no client is described at one.
 */
export function isAcceptableClientId(clientId: string): boolean {
  if (clientId.length > LONGEST_IDENTIFIER) return false;
  if (!isDescribed(clientId)) return true;
  return URL.canParse(clientId) && isPublicHost(new URL(clientId).hostname);
}

/** Whether a host, as a URL has it, has a name that may be public. */
export function isPublicHost(host: string): boolean {
  const name = host.replace(/\.+$/, "");
  const isAddress = name.startsWith("[") || /^[\d.]+$/.test(name);
  return !isAddress && name.includes(".") && !NOT_PUBLIC.test(name) && !SPELLED_ADDRESS.test(name);
}

/** Whether a client's identifier is the URL of its own description, which is fetched to know the client. */
export function isDescribed(clientId: string): boolean {
  return /^https:/i.test(clientId);
}

/** Every client that a request to the token endpoint says it is from, as the library reads it. */
export function claimedClientIds(form: URLSearchParams, authorization: string | undefined): string[] {
  const assertions = form.getAll("client_assertion").map(issuerOf);
  return [...form.getAll("client_id"), ...assertions, userOf(authorization)].filter((id) => id !== undefined);
}

/** `iss` of an assertion (RFC 7523 section 3), which nobody has verified. */
function issuerOf(assertion: string): string | undefined {
  try {
    // Unlike Buffer's own, this leaves out a byte order mark, as the library does.
    const text = new TextDecoder().decode(Buffer.from(assertion.split(".")[1] ?? "", "base64url"));
    const claims: unknown = JSON.parse(text);
    return isObject(claims) && typeof claims.iss === "string" ? claims.iss : undefined;
  } catch {
    return undefined;
  }
}

/** The user of HTTP Basic (RFC 6749 section 2.3.1); the library takes a tab for a space. */
function userOf(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic[ \t](.*)$/is.exec(authorization ?? "") ?? [];
  if (encoded === undefined) return undefined;
  const credentials = Buffer.from(encoded.trim(), "base64").toString("latin1");
  try {
    return decodeURIComponent(credentials.replace(/:.*$/s, "").replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
