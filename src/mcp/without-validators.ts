// What the bundle has, by aliases of ops/bundle/bundle.ts, in the place of what both MCP SDKs validate the answers to their own
// questions with (elicitation/create), which this server does not ask: 55 KiB gzip.

const NOT_BUNDLED =
  "no validator of JSON Schema is in the bundle: give the MCP server a jsonSchemaValidator that is one";

/** In the place of ajv and ajv-formats, which the SDK of the session mode makes its default of. */
export default function ajvIsNotBundled(): never {
  throw new Error(NOT_BUNDLED);
}

/** In the place of the default of the stateless mode's SDK, `@modelcontextprotocol/server/_shims`; given to the other too. */
export class DefaultJsonSchemaValidator {
  /** @throws Error in any case */
  getValidator(): never {
    throw new Error(NOT_BUNDLED);
  }
}
