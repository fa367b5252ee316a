import type { Operations } from "./operation.ts";

/** What the routes of metrics-routes.ts do. */
export const metricsOperations: Operations = {
  "GET /metrics": {
    summary: "The totals of all isolates, in Prometheus' text format",
    tag: "Operations",
    security: "metrics token",
    answer: { status: 200, description: "The metrics.", mediaType: "text/plain" },
    errors: ["unauthenticated", "not_found", "unavailable"],
  },
};
