/** A schema that refuses what it does not name, as a client's must not. */
export function closed<Schema>(schema: Schema): Schema {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isObject = "properties" in schema && "type" in schema && schema.type === "object";
  return { ...schema, ...inner, ...(isObject && { additionalProperties: false }) };
}
