import { isObject } from "../../json.ts";

/** Lists of which a client names all that it could do, whichever server it is for, and what there is of them here. */
const REGISTRABLE: Readonly<Record<string, readonly string[]>> = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
};

/**
 * What a client sends to register, without what the library would refuse it for although it can do without: a value that is
 * empty or null, as absent (RFC 7591 section 2), and grants and response types that are not to be had here, which a server
 * may leave out (section 3.2.1). A client that names nothing else is refused by the library.
 */
export function registrableMetadata(metadata: unknown): unknown {
  if (!isObject(metadata)) return metadata;
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => [name, registrable(value, REGISTRABLE[name])]),
  );
}

function registrable(value: unknown, known: readonly string[] | undefined): unknown {
  if (known === undefined || !Array.isArray(value)) return value;
  const kept = value.filter((item) => known.includes(item));
  return kept.length > 0 ? kept : value;
}
