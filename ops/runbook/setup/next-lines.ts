import { claudeCodeLine } from "../../../local/client-lines.ts";
import type { ReleaseTarget } from "../release-target.ts";

/**
 * What to paste after `setup`: the release, then a first look, an account and a client.
 *
 * @param config the configuration, where it is not the project's own
 */
export function nextLines({ environment, baseUrl }: ReleaseTarget, config: string | undefined): string[] {
  const options = `--env ${environment}${config === undefined ? "" : ` --config ${config}`}`;
  return [
    "# Deploy: at once; or backed up, watched and rolled back by itself",
    `npx wrangler deploy ${options}`,
    `npm run runbook -- deploy ${options}`,
    "# Then: is it healthy, an account, its tools, a client",
    `curl ${baseUrl}/health`,
    `curl ${baseUrl}/api/auth/signup -H "Content-Type: application/json" -d '{"email": "you@example.com", "password": "a password of yours"}'`,
    "TOKEN=…the token that it answers",
    `curl ${baseUrl}/mcp/tools/create_task -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{"title": "Buy milk"}'`,
    claudeCodeLine({ url: baseUrl }),
  ];
}
