import { Ajv, type SchemaObject } from "ajv";

/**
 * Compiles a schema as a client does that takes Ajv 8 as it comes: strict, and knowing no formats.
 *
 * @throws Error for a schema that it does not understand
 */
export function compileByAjv(schema: SchemaObject): (value: unknown) => boolean {
  const validate = new Ajv().compile(schema);
  return (value) => validate(value);
}
