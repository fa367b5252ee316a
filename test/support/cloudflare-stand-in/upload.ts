import { z } from "zod";

const migrationsSchema = z.object({ old_tag: z.string().optional(), new_tag: z.string() });

/** What wrangler says of a bundle, as far as the stand-in goes by it. */
const metadataSchema = z.object({
  main_module: z.string(),
  bindings: z
    .array(
      z.discriminatedUnion("type", [
        z.object({ type: z.literal("plain_text"), name: z.string(), text: z.string() }),
        z.object({ type: z.literal("secret_text"), name: z.string(), text: z.string() }),
        z.object({ type: z.literal("inherit"), name: z.string() }),
        z.object({ type: z.literal("durable_object_namespace"), name: z.string(), class_name: z.string() }),
        z.object({
          type: z.literal("ratelimit"),
          name: z.string(),
          namespace_id: z.string(),
          simple: z.object({ limit: z.number(), period: z.union([z.literal(10), z.literal(60)]) }),
        }),
        z.object({ type: z.literal("kv_namespace"), name: z.string(), namespace_id: z.string() }),
        z.object({ type: z.literal("version_metadata"), name: z.string() }),
        z.object({ type: z.literal("send_email"), name: z.string() }),
      ]),
    )
    .default([]),
  compatibility_date: z.string().optional(),
  compatibility_flags: z.array(z.string()).default([]),
  migrations: migrationsSchema.optional(),
  annotations: z.record(z.string(), z.string().optional()).default({}),
});

type UploadMetadata = z.output<typeof metadataSchema>;

/** What a version is given by a name. */
export type Binding = UploadMetadata["bindings"][number];

/** A bundle as wrangler uploads it. */
export interface Upload {
  readonly metadata: UploadMetadata;
  /** The main module first. */
  readonly modules: readonly { readonly path: string; readonly contents: string }[];
}

/** Reads the multipart body of an upload. */
export async function readUpload(body: Uint8Array, contentType: string): Promise<Upload> {
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData();
  const metadata = metadataSchema.parse(JSON.parse(z.string().parse(form.get("metadata"))));
  const modules: { path: string; contents: string }[] = [];
  for (const [, part] of form) {
    if (typeof part === "string" || part.type === "application/source-map") continue;
    if (part.type !== "application/javascript+module")
      throw new Error(`${part.name}: the stand-in runs no ${part.type}`);
    modules.push({ path: part.name, contents: await part.text() });
  }
  modules.sort((a, b) => Number(b.path === metadata.main_module) - Number(a.path === metadata.main_module));
  return { metadata, modules };
}
