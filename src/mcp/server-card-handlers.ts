import { SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import type { ApplicationContext } from "../http/application.ts";
import { serverDescription } from "./server-description.ts";
import { PROTOCOL_VERSION } from "./stateless/plain-request.ts";

const CARD_TYPE = "application/mcp-server-card+json";
const CATALOG_TYPE = "application/ai-catalog+json";
const CARD_SCHEMA = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json";

/** Answers with the server's card (SEP-2127): what it is called, and where it is reached by which protocols. */
export function answerServerCard(context: ApplicationContext): Response {
  const { remotes, ...description } = serverDescription(context.var.configuration.BASE_URL);
  const supportedProtocolVersions = [PROTOCOL_VERSION, ...SUPPORTED_PROTOCOL_VERSIONS];
  return answer(context, CARD_TYPE, {
    $schema: CARD_SCHEMA,
    ...description,
    remotes: remotes.map((remote) => ({ ...remote, supportedProtocolVersions })),
  });
}

/** Answers with the catalog in which a client that knows the domain alone finds the card (SEP-2127, Discovery). */
export function answerCatalog(context: ApplicationContext): Response {
  const { BASE_URL } = context.var.configuration;
  const { hostname } = new URL(BASE_URL);
  const [, server] = serverDescription(BASE_URL).name.split("/");
  const identifier = `urn:air:${hostname}:mcp:${server}`;
  return answer(context, CATALOG_TYPE, {
    specVersion: "1.0",
    entries: [{ identifier, type: CARD_TYPE, url: `${BASE_URL}/mcp/server-card` }],
  });
}

function answer(context: ApplicationContext, type: string, document: object): Response {
  // What was changed by a release is seen an hour later.
  return context.body(JSON.stringify(document), 200, { "Content-Type": type, "Cache-Control": "public, max-age=3600" });
}
