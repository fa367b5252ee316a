import * as z from "zod";
import { unpublishedFields } from "../input.ts";
import { publishedFields } from "./published-fields.ts";
import { runnableToolCalled, runnableTools } from "./runnable-tools.ts";
import type { ObjectJsonSchema, Tool, ToolAnnotations } from "./tool.ts";

/** Every tool there is, in the order in which they are listed. */
export const catalog: readonly Tool[] = runnableTools;

/** The tool that a name means, whatever a model has put before it. */
export function toolCalled(name: string): Tool | undefined {
  return runnableToolCalled(name);
}

/**
 * A tool by the very name that the catalog gives it.
 *
 * @throws Error where there is none
 */
export function toolNamed(name: string): Tool {
  const tool = catalog.find((known) => known.name === name);
  if (tool === undefined) throw new Error(`the catalog has no ${name}`);
  return tool;
}

/** What a tool does, by its title, of so many tasks: `Delete 3 tasks`. */
export function titleFor(title: string, count: number): string {
  return title.replace(/ task$/, ` ${count} tasks`);
}

/** A tool as MCP's `tools/list` describes it. */
export interface ToolDescription {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: ObjectJsonSchema;
  readonly outputSchema: ObjectJsonSchema;
  readonly annotations: ToolAnnotations & { readonly title: string };
}

/** A limit of a text outside of these is not published: no model writes a tag or a key so long, and a cursor it only passes on. */
const SHORTEST_PUBLISHED = 200;
const LONGEST_PUBLISHED = 500;
/** No number that a model writes comes near the one, and none is below the other; nor is a text that it writes empty. */
const LARGEST_NUMBER = 10_000;
const SMALLEST_NUMBER = 1;
/** So many tags, or blockers, no model gives a task; so many tasks it may well name. */
const SHORTEST_LIMITED_LIST = 25;

let descriptions: readonly ToolDescription[] | undefined;

/** The catalog as MCP's `tools/list` describes it, with JSON Schema 2020-12. */
export function describeCatalog(): readonly ToolDescription[] {
  descriptions ??= catalog.map(({ name, title, description, input, output, annotations }) => ({
    name,
    title,
    description,
    inputSchema: toJsonSchema(input, "input"),
    outputSchema: toJsonSchema(output, "output"),
    annotations: { title, ...annotations },
  }));
  return descriptions;
}

/** A schema as it is published: what our own check is stricter in stands in the descriptions. */
function toJsonSchema(schema: z.ZodObject, io: "input" | "output"): ObjectJsonSchema {
  const { $schema, ...jsonSchema } = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io,
    override: ({ zodSchema, jsonSchema: published }) => {
      const fields = publishedFields.get(zodSchema);
      if (fields !== undefined) publishOnly(published, fields.only);
      if (zodSchema instanceof z.ZodObject) withoutUnpublished(zodSchema, published);
      withoutWhatClientsRefuse(published);
      if (io === "output") openForLater(published);
    },
  });
  return { ...jsonSchema, type: "object" };
}

function publishOnly(published: z.core.JSONSchema.BaseSchema, fields: readonly string[]): void {
  published.properties = Object.fromEntries(
    Object.entries(published.properties ?? {}).flatMap(([name, property]) =>
      fields.includes(name) && typeof property === "object" && property.type !== undefined
        ? [[name, { type: property.type }]]
        : [],
    ),
  );
  delete published.additionalProperties;
}

/** An answer of a later release may have more fields, which a client that has kept this schema must not refuse. */
function openForLater(published: z.core.JSONSchema.BaseSchema): void {
  if (published.additionalProperties === false) delete published.additionalProperties;
  if (published.type === "boolean") delete published.const;
}

function withoutUnpublished({ shape }: z.ZodObject, published: z.core.JSONSchema.BaseSchema): void {
  for (const [name, field] of Object.entries(shape)) {
    if (unpublishedFields.has(field)) delete published.properties?.[name];
  }
}

/**
 * A plain Ajv throws at a `format`; a `pattern`, or a limit of integers, costs a model more than it says; and where a
 * grammar is made of the schema, as local models are held to it, a large `maxLength` makes that too large. That a text is not
 * empty goes without saying: an empty value is read as none.
 */
function withoutWhatClientsRefuse(published: z.core.JSONSchema.BaseSchema): void {
  delete published.format;
  delete published.pattern;
  const { maxLength = 0 } = published;
  if (maxLength < SHORTEST_PUBLISHED || maxLength > LONGEST_PUBLISHED) delete published.maxLength;
  if (published.maxItems !== undefined && published.maxItems < SHORTEST_LIMITED_LIST) delete published.maxItems;
  if (published.maximum !== undefined && published.maximum >= LARGEST_NUMBER) delete published.maximum;
  if (published.minimum !== undefined && published.minimum <= SMALLEST_NUMBER) delete published.minimum;
  if (published.minLength !== undefined && published.minLength <= 1) delete published.minLength;
}
