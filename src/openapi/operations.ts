import { appOperations } from "../app-operations.ts";
import { chatOperations } from "../chat/conversation/operations.ts";
import { exportOperations } from "../export/operations.ts";
import { accountOperations } from "../http/account-operations.ts";
import { metricsOperations } from "../http/metrics-operations.ts";
import { oauthOperations } from "../http/oauth-operations.ts";
import type { Operations } from "../http/operation.ts";
import { tokenOperations } from "../http/token-operations.ts";
import { toolOperations } from "../http/tool-operations.ts";
import { mcpOperations } from "../mcp/operations.ts";

/** Every operation but the tools, which the catalog describes; each is written down beside its route. */
export const operations: Operations = {
  ...appOperations,
  ...metricsOperations,
  ...accountOperations,
  ...tokenOperations,
  ...exportOperations,
  ...oauthOperations,
  ...toolOperations,
  ...mcpOperations,
  ...chatOperations,
};
