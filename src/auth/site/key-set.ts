import type { AsymmetricAlgorithm } from "hono/utils/jwt/jwa";
import * as z from "zod";
import { ApplicationError } from "../../errors.ts";
import { readJson } from "../../json.ts";
import { describeError } from "../../observability/describe-error.ts";
import type { Logger } from "../../observability/log.ts";
import { RecentValues } from "../../recent-values.ts";

/** What a site may sign with (RFC 8725 section 3.1): nothing with a shared secret. */
export const SITE_ALGORITHMS: AsymmetricAlgorithm[] = ["EdDSA", "ES256", "ES384", "ES512", "RS256", "PS256"];

/** For how long, in milliseconds, keys are used without asking for them again: one that was withdrawn counts no longer. */
const USED_FOR = 60 * 60 * 1000;
/** And for how long where the site does not answer. */
const USED_FOR_AT_MOST = 24 * 60 * 60 * 1000;
/** How often, in milliseconds, the site is asked at most, by a token of a key that is not known or when it has failed. */
const ASKED_EVERY = 30_000;
const LONGEST_WAIT = 5_000;
const LARGEST_KEY_SET = 64 * 1024;
const MOST_KEYS = 50;

// RFC 7517 section 4; the platform looks at the rest of a key.
const keySchema = z.looseObject({ kid: z.string(), kty: z.string(), alg: z.string().exactOptional() });
const keySetSchema = z.object({ keys: z.array(z.unknown()).max(MOST_KEYS) });

/** The public keys of a site. */
export type SiteKey = z.output<typeof keySchema>;

/** What a site has answered is no key set. */
class KeySetError extends Error {
  override readonly name = "KeySetError";
  /** Of the answer, where it says so. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

interface KnownKeys {
  readonly keys: readonly SiteKey[];
  readonly readAt: number;
}

interface SiteKeys {
  known: KnownKeys | undefined;
  /** When it was asked last, whatever came of it. */
  askedAt: number;
}

const sites = new RecentValues<SiteKeys>(4);

/**
 * The public key of a site by its id, from what this isolate has read within the hour. The site is asked again for a key that
 * is not known, as it may have a new one, but every 30 seconds at most, whatever tokens come.
 *
 * @returns undefined where the site has no such key
 * @throws ApplicationError `unavailable` where it has not told its keys for a day
 */
export async function findSiteKey(url: string, kid: string, log: Logger): Promise<SiteKey | undefined> {
  const site = sites.get(url) ?? { known: undefined, askedAt: Number.NEGATIVE_INFINITY };
  sites.set(url, site);
  const now = Date.now();
  const { known } = site;
  const key = known?.keys.find((candidate) => candidate.kid === kid);
  const isFresh = known !== undefined && now - known.readAt < USED_FOR;
  if (key !== undefined && isFresh) return key;
  const isUsable = known !== undefined && now - known.readAt < USED_FOR_AT_MOST;
  if (now - site.askedAt < ASKED_EVERY) {
    if (!isUsable) throw unreachable();
    return key;
  }
  // Set before it is asked, as many may come meanwhile; for the first keys of an isolate each asks for itself.
  if (isUsable) site.askedAt = now;
  try {
    const keys = await fetchKeys(url);
    site.known = { keys, readAt: now };
    site.askedAt = now;
    return keys.find((candidate) => candidate.kid === kid);
  } catch (error) {
    site.askedAt = now;
    if (!isUsable) throw unreachable(error);
    log.warn("site_keys_unread", { cause: describeError(error) });
    return key;
  }
}

async function fetchKeys(url: string): Promise<SiteKey[]> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), LONGEST_WAIT);
  try {
    const response = await fetch(url, {
      headers: { Accept: "application/json" },
      redirect: "manual",
      signal: controller.signal,
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new KeySetError("another status", response.status);
    }
    const reading = readJson(await readBounded(response));
    if (!("value" in reading)) throw new KeySetError(reading.message);
    // A key of a kind that is not known here is of no use, and no fault.
    return keySetSchema.parse(reading.value).keys.flatMap((key) => keySchema.safeParse(key).data ?? []);
  } finally {
    clearTimeout(timer);
  }
}

async function readBounded(response: Response): Promise<string> {
  let text = "";
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    if (text.length > LARGEST_KEY_SET) throw new KeySetError(`more than ${LARGEST_KEY_SET} characters`);
  }
  return text;
}

function unreachable(cause?: unknown): ApplicationError {
  const message = "The keys of the site that this token is from cannot be read; try again in a moment.";
  return new ApplicationError("unavailable", message, { retryAfter: ASKED_EVERY / 1000, cause });
}
