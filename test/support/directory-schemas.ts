import { z } from "zod";

// What those who list servers take, in zod, of what a remote server says: whatever is not here is refused. Written from the
// JSON Schemas that they validate by, named beside each.

const reverseDomainName = z
  .string()
  .min(3)
  .max(200)
  .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
const shortText = z.string().min(1).max(100);
/** No range, such as ^1.2.3 or 1.x. */
const exactVersion = z
  .string()
  .max(255)
  .regex(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/);
const remoteUrl = z.string().regex(/^https?:\/\/\S+$/);

const described = {
  name: reverseDomainName,
  title: shortText.optional(),
  description: shortText,
  version: exactVersion,
  websiteUrl: z.url().optional(),
};

/**
 * `server.json` of the MCP registry, schema 2025-12-11 (modelcontextprotocol/registry,
 * internal/validators/schemas/2025-12-11.json), with what the registry asks beyond it: a remote server's address is on
 * the domain that its name begins with (docs/reference/server-json/official-registry-requirements.md).
 */
export const registrySchema = z
  .strictObject({
    $schema: z.literal("https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"),
    ...described,
    icons: z
      .array(
        z.strictObject({
          src: z.url({ protocol: /^https$/ }).max(255),
          mimeType: z.enum(["image/png", "image/jpeg", "image/jpg", "image/svg+xml", "image/webp"]).optional(),
          sizes: z.array(z.string().regex(/^(\d+x\d+|any)$/)).optional(),
          theme: z.enum(["light", "dark"]).optional(),
        }),
      )
      .optional(),
    remotes: z.array(z.strictObject({ type: z.enum(["streamable-http", "sse"]), url: remoteUrl })).min(1),
  })
  .refine(({ name, remotes }) => {
    const domain = name.split("/", 1).join("").split(".").reverse().join(".");
    return remotes.every(({ url }) => {
      const { hostname } = new URL(url);
      return hostname === domain || hostname.endsWith(`.${domain}`);
    });
  }, "a remote's host must be on the domain of the name");

/** A Server Card, schema v1 (modelcontextprotocol/experimental-ext-server-card, schema.json at 8924e08). */
export const serverCardSchema = z.strictObject({
  $schema: z.literal("https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"),
  ...described,
  icons: z
    .array(
      z.strictObject({
        src: z.url(),
        mimeType: z.string().optional(),
        sizes: z.array(z.string()).optional(),
        theme: z.enum(["light", "dark"]).optional(),
      }),
    )
    .optional(),
  remotes: z.array(
    z.strictObject({
      type: z.enum(["streamable-http", "sse"]),
      url: remoteUrl,
      supportedProtocolVersions: z.array(z.string()).optional(),
    }),
  ),
});

/** An AI Catalog with Server Cards (the same repository, docs/discovery.md). */
export const catalogSchema = z.strictObject({
  specVersion: z.literal("1.0"),
  entries: z.array(
    z.strictObject({
      identifier: z.string().regex(/^urn:air:[^:]+:[^:]+:[^:]+$/),
      type: z.literal("application/mcp-server-card+json"),
      url: z.url(),
    }),
  ),
});
