import { hkdfSync } from "node:crypto";

const derived = new Map<string, Uint8Array>();

/** A key of its own for a purpose (RFC 5869), so that what one signs never passes for what another does. */
export function deriveKey(secret: string, purpose: string): Uint8Array {
  const name = `${purpose} ${secret}`;
  const known = derived.get(name);
  if (known !== undefined) return known;
  const key = new Uint8Array(hkdfSync("sha256", secret, "", purpose, 32));
  derived.set(name, key);
  return key;
}
