import * as z from "zod";
import type { Operation, Operations } from "./operation.ts";

const FORM = "application/x-www-form-urlencoded";

const tokensSchema = z.object({
  access_token: z.string(),
  token_type: z.literal("bearer"),
  expires_in: z.int().meta({ description: "Seconds." }),
  refresh_token: z.string(),
  scope: z.string(),
  resource: z.url(),
});

const serverMetadata: Operation = {
  summary: "The authorization server's metadata (RFC 8414)",
  tag: "OAuth",
  security: "anyone",
  answer: { status: 200, description: "Where its endpoints are and what it takes.", content: z.looseObject({}) },
  errors: ["not_found"],
};

const resourceMetadata: Operation = {
  summary: "MCP's metadata as a protected resource (RFC 9728)",
  tag: "OAuth",
  security: "anyone",
  answer: { status: 200, description: "Which authorization server issues tokens for it.", content: z.looseObject({}) },
  errors: ["not_found"],
};

/** What the routes of oauth-routes.ts do. */
export const oauthOperations: Operations = {
  "GET /.well-known/oauth-authorization-server": serverMetadata,
  "GET /.well-known/oauth-authorization-server/mcp": serverMetadata,
  "GET /.well-known/oauth-protected-resource": resourceMetadata,
  "GET /.well-known/oauth-protected-resource/mcp": resourceMetadata,
  "POST /oauth/register": {
    summary: "Register a client (RFC 7591)",
    tag: "OAuth",
    security: "anyone",
    body: z.looseObject({ redirect_uris: z.array(z.string()).min(1), client_name: z.string().optional() }),
    example: {
      client_name: "My client",
      redirect_uris: ["http://127.0.0.1/callback"],
      token_endpoint_auth_method: "none",
    },
    answer: {
      status: 201,
      description: "The client, with its client_id.",
      content: z.looseObject({ client_id: z.string() }),
    },
    hasOAuthErrors: true,
    errors: ["not_found"],
  },
  "POST /oauth/token": {
    summary: "Get tokens for a code or a refresh token (RFC 6749)",
    tag: "OAuth",
    security: "anyone",
    body: z.looseObject({ grant_type: z.enum(["authorization_code", "refresh_token"]), client_id: z.string() }),
    bodyMediaType: FORM,
    example: { grant_type: "refresh_token", client_id: "CLIENT", refresh_token: "TOKEN" },
    answer: { status: 200, description: "An access token and the next refresh token.", content: tokensSchema },
    hasOAuthErrors: true,
    errors: ["not_found"],
  },
  "POST /oauth/revoke": {
    summary: "End a token (RFC 7009)",
    tag: "OAuth",
    security: "anyone",
    body: z.looseObject({ token: z.string(), client_id: z.string() }),
    bodyMediaType: FORM,
    example: { token: "TOKEN", client_id: "CLIENT" },
    answer: { status: 200, description: "It counts no more; with a refresh token ends its whole grant." },
    hasOAuthErrors: true,
    errors: ["not_found"],
  },
};
