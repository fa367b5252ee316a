import type { PlannedRequest } from "./request-ledger.ts";

/** Whose requests they are, and a task of theirs. */
export interface LoadPerson {
  readonly token: string;
  readonly taskId: number;
}

type Plan = (person: LoadPerson) => PlannedRequest;

const UNKNOWN_TASK = 2_147_483_000;

function call(tool: string, input: Record<string, unknown>, status = 200): Plan {
  return ({ token, taskId }) => ({
    method: "POST",
    path: `/mcp/tools/${tool}`,
    headers: { Authorization: `Bearer ${token}` },
    body: "task_id" in input && input.task_id === undefined ? { ...input, task_id: taskId } : input,
    status,
    route: "/mcp/tools/:name",
    tool,
  });
}

const stateless: Plan = ({ token }) => ({
  method: "POST",
  path: "/mcp",
  headers: {
    Authorization: `Bearer ${token}`,
    Accept: "application/json, text/event-stream",
    "Mcp-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "list_tasks",
  },
  body: {
    jsonrpc: "2.0",
    id: 1,
    method: "tools/call",
    params: {
      name: "list_tasks",
      arguments: { limit: 1 },
      _meta: {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { name: "load", version: "1.0.0" },
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  },
  status: 200,
  route: "/mcp",
  tool: "list_tasks",
});

const get =
  (path: string, status: number, route = path): Plan =>
  () => ({ method: "GET", path, status, route });

/** What the load is made of, in thousandths. */
const mix: readonly (readonly [share: number, plan: Plan])[] = [
  [110, get("/mcp/tools", 200)],
  [20, get("/health", 200)],
  [20, get("/nobody/knows/this", 404, "/*")],
  [20, () => ({ method: "DELETE", path: "/mcp/tools", status: 405, route: "/*" })],
  [260, get("/api/auth/me", 401)],
  [140, () => ({ method: "POST", path: "/mcp", body: {}, status: 401, route: "/mcp" })],
  [130, call("create_task", { title: "" }, 400)],
  [60, call("create_task", { title: "One of many" })],
  [70, call("list_tasks", { limit: 5 })],
  [50, call("get_task", { task_id: undefined })],
  [20, call("get_task", { task_id: UNKNOWN_TASK }, 404)],
  [30, call("update_task", { task_id: undefined, title: "Changed" })],
  [20, call("complete_task", { task_id: undefined })],
  [20, call("delete_task", { task_id: UNKNOWN_TASK }, 404)],
  [30, stateless],
];

/** Plans requests of all kinds in turn, from several people. */
export function planMixedLoad(count: number, people: readonly LoadPerson[]): PlannedRequest[] {
  const kinds = mix.flatMap(([share, plan]) => new Array<Plan>((share * count) / 1000).fill(plan));
  // A stride that has no factor in common with the count spreads each kind over the whole.
  return kinds.map((_, index) => {
    const kind = kinds[(index * 7919) % kinds.length];
    const person = people[index % people.length];
    if (kind === undefined || person === undefined) throw new Error("the load has a hole");
    return kind(person);
  });
}
