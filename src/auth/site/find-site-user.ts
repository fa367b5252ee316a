import { sql } from "drizzle-orm";
import * as z from "zod";
import type { SiteIdentity } from "../../caller.ts";
import type { Database } from "../../database/database.ts";
import { sqlState, toDatabaseError } from "../../database/database-error.ts";
import { line } from "../../text.ts";
import { knownSiteUser, learnSiteUser } from "./site-users.ts";

const INVALID_PARAMETER_VALUE = "22023";
const NAMELESS = "New user";

const nameSchema = line({ maximum: 100 });
const rowSchema = z.object({ id: z.int() });

/**
 * Whose account a site's user has here; one who comes for the first time gets one. It is found by what the site calls them and
 * by nothing else: an e-mail that two accounts have may be two people's.
 *
 * @param person how the site names them, unchecked, and their time zone as far as it is known
 * @throws ApplicationError `unavailable`
 */
export async function findSiteUser(
  database: Database,
  identity: SiteIdentity,
  person: { readonly name: unknown; readonly timeZone: string | undefined },
): Promise<number> {
  const known = knownSiteUser(identity);
  if (known !== undefined) return known;
  const name = nameSchema.safeParse(person.name).data ?? NAMELESS;
  const id = await signIn(database, identity, name, person.timeZone ?? "UTC").catch((error: unknown) => {
    if (sqlState(error) === INVALID_PARAMETER_VALUE) return signIn(database, identity, name, "UTC");
    throw error;
  });
  learnSiteUser(identity, id);
  return id;
}

async function signIn(database: Database, { issuer, subject }: SiteIdentity, name: string, timeZone: string) {
  const [row] = await database
    .callFunction(
      "writes",
      (deadline) => sql`select sign_in_from_site(${issuer}, ${subject}, ${name}, ${timeZone}, ${deadline}) as id`,
    )
    .catch((error: unknown) => {
      throw sqlState(error) === INVALID_PARAMETER_VALUE ? error : toDatabaseError(error);
    });
  return rowSchema.parse(row).id;
}
