import type * as z from "zod";
import type { ErrorKind } from "../errors.ts";

/** What one method of one path does, as the API's description tells it. */
export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly tag: "Accounts" | "Tools" | "MCP" | "Chat" | "Conversations" | "OAuth" | "Operations";
  /** Who may call it. */
  readonly security: "anyone" | "bearer" | "metrics token";
  readonly body?: z.ZodType;
  /** Where it is not JSON. */
  readonly bodyMediaType?: "application/x-www-form-urlencoded";
  /** A body that it takes. */
  readonly example?: unknown;
  /** Whether it takes the Idempotency-Key header. */
  readonly takesKey?: true;
  readonly query?: z.ZodObject;
  /** What is answered when all is well. */
  readonly answer: {
    readonly status: 200 | 201 | 202 | 204;
    readonly description: string;
    readonly content?: z.ZodType;
    /** Where it is not JSON. */
    readonly mediaType?: string;
    /** Whether it comes as events too, where those are accepted. */
    readonly hasEvents?: boolean;
    /** Another status that has the same content. */
    readonly alsoStatus?: 503;
  };
  /** False for what stands above the rate limits in app.ts. */
  readonly isLimited?: false;
  readonly errors: readonly ErrorKind[];
  /** Whether it has errors of OAuth's own kind too (RFC 6749 section 5.2). */
  readonly hasOAuthErrors?: true;
}

/** What the routes of one file do, by method and path as app.ts has them. */
export type Operations = Readonly<Record<`${"DELETE" | "GET" | "PATCH" | "POST"} /${string}`, Operation>>;

/** How a body may be refused before anybody looks at what it asks for. */
export const BODY_ERRORS = ["invalid_input", "payload_too_large", "unsupported_media_type"] as const;
