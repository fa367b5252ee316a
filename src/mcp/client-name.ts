import { CLIENT_INFO_META_KEY } from "@modelcontextprotocol/server";
import { clientName } from "../caller.ts";
import { isObject } from "../json.ts";

/**
 * How a client names itself in a message: in what each request of the stateless protocol says of it, or when it opens a
 * session. Undefined for any other message.
 */
export function clientNameIn(message: unknown): string | undefined {
  const params = isObject(message) ? message.params : undefined;
  if (!isObject(params)) return undefined;
  const info = isObject(params._meta) ? params._meta[CLIENT_INFO_META_KEY] : params.clientInfo;
  return isObject(info) ? clientName(info.name) : undefined;
}
