import { Agent, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { projectDirectory } from "../local/environment.ts";
import { issueToken } from "../src/auth/token.ts";
import { freePort } from "../test/support/processes.ts";
import { waitUntilReady } from "./mcp-runtime.ts";
import { startWorkerd } from "./workerd.ts";

const JWT_SECRET = "the secret of the benchmark, 32 characters and more";

/** The product's worker on a database, called over one connection at a time. */
export interface ProductWorker {
  /** A bearer token of the user with this id. */
  tokenOf(userId: number): Promise<string>;
  /** Calls a tool by plain HTTP, and says how long that took, in milliseconds; throws where the answer is not 200. */
  time(token: string, tool: string, input: object): Promise<number>;
  close(): Promise<void>;
}

/**
 * Starts the product's bundle in workerd.
 *
 * @param database how it reaches the database
 * @param directory where its configuration and its storage are kept; it must not exist yet
 */
export async function startProductWorker(
  bundle: string,
  database: { readonly connectionString: string; readonly fetchEndpoint: string },
  directory: string,
): Promise<ProductWorker> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const workerd = await startWorkerd({
    configuration: join(projectDirectory, "wrangler.toml"),
    bundle,
    bindings: {
      DATABASE_URL: database.connectionString,
      NEON_FETCH_ENDPOINT: database.fetchEndpoint,
      JWT_SECRET,
      BASE_URL: url,
      LOG_LEVEL: "warn",
    },
    url,
    directory,
  });
  await waitUntilReady(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    tokenOf: async (userId) => (await issueToken(userId, 7200, { secret: JWT_SECRET, issuer: url })).token,
    async time(token, tool, input) {
      const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
      const startedAt = performance.now();
      const { status, answer } = await new Promise<{ status: number; answer: string }>((resolve, reject) => {
        const sending = request(`${url}/mcp/tools/${tool}`, { method: "POST", agent, headers }, (response) => {
          text(response).then((answer) => resolve({ status: response.statusCode ?? 0, answer }), reject);
        });
        sending.on("error", reject).end(JSON.stringify(input));
      });
      if (status !== 200) throw new Error(`${tool} was answered ${status}: ${answer}`);
      return performance.now() - startedAt;
    },
    async close() {
      agent.destroy();
      await workerd.close();
    },
  };
}
