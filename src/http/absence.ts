/** Where MCP clients look for OAuth (MCP 2025-03-26 and 2025-11-25, Authorization): metadata, and default endpoints. */
const OAUTH_PATHS = /(^|\/)\.well-known\/(oauth-|openid-configuration)|^\/(register|authorize|token)$/;

/** Says of a path that is not there what a person, who reads it in their client's error, can do. */
export function describeAbsence(path: string): string {
  if (!OAUTH_PATHS.test(path)) return "There is nothing here; GET /docs shows what there is.";
  return (
    "This server has no OAuth yet: it takes bearer tokens only. Get one by POST /api/auth/signup or /api/auth/signin, " +
    "and give your client the header Authorization: Bearer TOKEN for /mcp."
  );
}
