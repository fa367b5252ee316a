import * as z from "zod";
import type { Operations } from "./operation.ts";

/** What the routes of tool-routes.ts do, but for running a tool, which the catalog describes. */
export const toolOperations: Operations = {
  "GET /mcp/tools": {
    summary: "The six tools with their schemas",
    tag: "Tools",
    security: "anyone",
    answer: {
      status: 200,
      description: "The tools, with an ETag.",
      content: z.object({ tools: z.array(z.looseObject({ name: z.string() })) }),
    },
    errors: [],
  },
};
