import type { SiteIdentity } from "../../caller.ts";
import { RecentValues } from "../../recent-values.ts";

/** Whose account an identity has: it never changes, so an isolate asks once. */
const users = new RecentValues<number>(5_000);

/** Whose account an identity has, where this isolate knows. */
export function knownSiteUser(identity: SiteIdentity): number | undefined {
  return users.get(keyOf(identity));
}

/** Takes note of whose account an identity has. */
export function learnSiteUser(identity: SiteIdentity, userId: number): void {
  users.set(keyOf(identity), userId);
}

/** Forgets whose account an identity has, as that may have been deleted. */
export function forgetSiteUser(identity: SiteIdentity): void {
  users.delete(keyOf(identity));
}

function keyOf({ issuer, subject }: SiteIdentity): string {
  return JSON.stringify([issuer, subject]);
}
