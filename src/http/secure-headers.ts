import type { MiddlewareHandler } from "hono";
import type { Application } from "./application.ts";

/**
 * What every answer tells a browser; a page of our own says more of itself. What only browsers of the past and plugins read
 * is not sent.
 */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Referrer-Policy", "no-referrer"],
  ["Strict-Transport-Security", "max-age=15552000; includeSubDomains"],
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
  ["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"],
];

/** Gives every answer its secure headers. Hono's middleware asks for the answer and its headers anew for each. */
export const secureHeaders: MiddlewareHandler<Application> = async (context, next) => {
  await next();
  const { headers } = context.res;
  for (const [name, value] of HEADERS) headers.set(name, value);
};
