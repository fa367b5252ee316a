import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { text } from "../text.ts";

/** A password as a person types it: 8 to 200 characters, counted as code points, compared in Unicode NFKC. */
export const passwordSchema = text({ minimum: 8, maximum: 200 })
  .transform((password) => password.normalize("NFKC"))
  .meta({ description: "8 to 200 characters." });

interface ScryptCost {
  readonly log2N: number;
  readonly r: number;
  readonly p: number;
}

// OWASP's scrypt setting that fits the memory of a Worker: 16 MiB, about 200 ms.
const COST: ScryptCost = { log2N: 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const encodedHashSchema = z
  .string()
  .regex(/^\$scrypt\$ln=\d{1,2},r=\d{1,2},p=\d{1,2}\$[\w+/]+\$[\w+/]+$/)
  .transform((encoded) => {
    const [, , cost = "", salt = "", hash = ""] = encoded.split("$");
    const [log2N = 0, r = 0, p = 0] = cost.split(",").map((setting) => Number(setting.split("=")[1]));
    return { cost: { log2N, r, p }, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
  });

/** Hashes a password with scrypt (RFC 7914) and a fresh salt, as a PHC string that carries its own cost. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await scryptKey(password, salt, COST, HASH_BYTES);
  return `$scrypt$ln=${COST.log2N},r=${COST.r},p=${COST.p}$${base64(salt)}$${base64(hash)}`;
}

/**
 * Compares a password with a stored hash in constant time.
 *
 * @param encodedHash what `hashPassword` made, or undefined for an unknown account, which costs the same time
 */
export async function verifyPassword(password: string, encodedHash: string | undefined): Promise<boolean> {
  if (encodedHash === undefined) {
    await scryptKey(password, randomBytes(SALT_BYTES), COST, HASH_BYTES);
    return false;
  }
  const { cost, salt, hash } = encodedHashSchema.parse(encodedHash);
  return timingSafeEqual(await scryptKey(password, salt, cost, hash.length), hash);
}

function scryptKey(password: string, salt: Buffer, cost: ScryptCost, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { N: 2 ** cost.log2N, r: cost.r, p: cost.p }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}
