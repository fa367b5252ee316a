import * as z from "zod";
import manifest from "../../package.json" with { type: "json" };
import { type ErrorKind, errorKinds } from "../errors.ts";
import { MOST_NAMED } from "../excerpt.ts";
import type { Operation } from "../http/operation.ts";
import { catalog, describeCatalog } from "../tools/catalog.ts";
import { idempotencyKeySchema } from "../tools/idempotency-key.ts";
import { operations } from "./operations.ts";

type JsonSchema = Record<string, unknown>;

interface MediaTypes {
  readonly [mediaType: string]: { readonly schema: JsonSchema; readonly example?: unknown };
}

/** An operation as OpenAPI 3.1 has it. */
export interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly Record<string, readonly string[]>[];
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: JsonSchema }[];
  readonly requestBody?: { readonly required: boolean; readonly content: MediaTypes };
  readonly responses: Record<string, { readonly description: string; readonly content?: MediaTypes }>;
}

/** The API's description, https://spec.openapis.org/oas/v3.1.1.html. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Record<string, Record<string, OperationObject>>;
  readonly components: Record<string, unknown>;
}

/** How the operations are grouped, in the order in which people look for them. */
const TAGS = ["Tools", "MCP", "Chat", "Conversations", "Accounts", "OAuth", "Operations"] as const;

const PROBLEM = { $ref: "#/components/schemas/Problem" };

const problemSchema = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .max(MOST_NAMED)
    .optional(),
  request_id: z.string(),
});

/** Describes the API from the routes' own schemas and the catalog. */
export function describeApi(baseUrl: string): OpenApiDocument {
  const paths: Record<string, Record<string, OperationObject>> = {};
  const add = (method: string, path: string, operation: OperationObject): void => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
  };
  for (const [route, operation] of Object.entries(operations)) {
    const [method = "", path = ""] = route.split(" ");
    add(method, path, toOperationObject(method, path, operation));
  }
  for (const tool of callsOfTools()) add("POST", `/mcp/tools/${tool.operationId}`, tool);
  return {
    openapi: "3.1.1",
    info: { title: "MCP Task Server", version: manifest.version, description: manifest.description },
    servers: [{ url: baseUrl }],
    tags: TAGS.map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: toJsonSchema(problemSchema, "output") },
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "A token of sign-up or sign-in, a personal token (tsk_…), or, for the tools and MCP, one of OAuth.",
        },
        "metrics token": { type: "http", scheme: "bearer", description: "METRICS_TOKEN." },
      },
    },
  };
}

function toOperationObject(method: string, path: string, operation: Operation): OperationObject {
  const {
    summary,
    description,
    tag,
    security,
    body,
    bodyMediaType = "application/json",
    example,
    takesKey,
    query,
    answer,
    isLimited = true,
    errors,
    hasOAuthErrors = false,
  } = operation;
  const parameters = [
    ...pathParameters(path),
    ...(query === undefined ? [] : queryParameters(query)),
    ...(takesKey === true ? [idempotencyKey] : []),
  ];
  const mediaType = answer.mediaType ?? "application/json";
  const schema = answer.content === undefined ? { type: "string" } : toJsonSchema(answer.content, "output");
  const hasContent = answer.content !== undefined || answer.mediaType !== undefined;
  const events: MediaTypes = answer.hasEvents === true ? { "text/event-stream": { schema: { type: "string" } } } : {};
  const response = {
    description: answer.description,
    ...(hasContent && { content: { [mediaType]: { schema }, ...events } }),
  };
  return {
    operationId:
      `${method.toLowerCase()}${path.replaceAll(/[^a-z]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`.replaceAll(
        "}",
        "",
      ),
    summary,
    ...(description !== undefined && { description }),
    tags: [tag],
    security: security === "anyone" ? [] : [{ [security]: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: { [bodyMediaType]: { schema: toJsonSchema(body, "input"), example } },
      },
    }),
    responses: {
      ...(hasOAuthErrors
        ? oauthErrorResponses()
        : errorResponses(security === "anyone" ? errors : ["unauthenticated", ...errors], isLimited)),
      [answer.status]: response,
      ...(answer.alsoStatus !== undefined && { [answer.alsoStatus]: response }),
    },
  };
}

/** The key of a call or a message, in place of the idempotency_key, or message_id, in its body. */
const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  schema: toJsonSchema(idempotencyKeySchema, "input"),
};

/** What the catalog says of its tools, as plain HTTP has them. */
function callsOfTools(): OperationObject[] {
  return describeCatalog().map(({ name, title, description, inputSchema, outputSchema, annotations }) => ({
    operationId: name,
    summary: title,
    description,
    tags: ["Tools"],
    security: [{ bearer: [] }],
    ...(!annotations.readOnlyHint && { parameters: [idempotencyKey] }),
    requestBody: {
      required: true,
      content: { "application/json": { schema: { ...inputSchema }, example: exampleOf(name) } },
    },
    responses: {
      200: { description: "What the tool answers.", content: { "application/json": { schema: { ...outputSchema } } } },
      ...errorResponses([
        "invalid_input",
        "unauthenticated",
        "forbidden",
        "not_found",
        "conflict",
        "payload_too_large",
        "unsupported_media_type",
      ]),
    },
  }));
}

function exampleOf(tool: string): unknown {
  return catalog.find(({ name }) => name === tool)?.example;
}

/** Everything may also fail on our side, and be too much where it is limited. */
function errorResponses(kinds: readonly ErrorKind[], isLimited = true): OperationObject["responses"] {
  const common: ErrorKind[] = [...(isLimited ? (["rate_limited"] as const) : []), "internal", "unavailable"];
  const all = [...new Set<ErrorKind>([...kinds, ...common])];
  return Object.fromEntries(
    all.map((kind) => {
      const { status, title } = errorKinds[kind];
      return [status, { description: title, content: { "application/problem+json": { schema: PROBLEM } } }];
    }),
  );
}

/** OAuth's clients read these, and no problem documents. */
function oauthErrorResponses(): OperationObject["responses"] {
  const schema = toJsonSchema(z.object({ error: z.string(), error_description: z.string() }), "output");
  const content = { "application/json": { schema } };
  const told: ErrorKind[] = ["not_found", "payload_too_large", "rate_limited", "internal", "unavailable"];
  return {
    400: { description: "The request is refused.", content },
    401: { description: "The client is not known, or not authenticated.", content },
    ...Object.fromEntries(
      told.map((kind) => [errorKinds[kind].status, { description: errorKinds[kind].title, content }]),
    ),
  };
}

function pathParameters(path: string) {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters(query: z.ZodObject) {
  return Object.entries(query.shape).map(([name, field]) => ({
    name,
    in: "query",
    required: false,
    schema: toJsonSchema(field, "input"),
  }));
}

/** What JSON Schema cannot say, such as a refinement, is left out of it. */
function toJsonSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...jsonSchema } = z.toJSONSchema(schema, { target: "draft-2020-12", io, unrepresentable: "any" });
  return jsonSchema;
}
