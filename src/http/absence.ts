/** Where MCP clients look for OAuth (MCP 2025-03-26 and 2025-11-25, Authorization): metadata, and default endpoints. */
const OAUTH_PATHS = /(^|\/)\.well-known\/(oauth-|openid-configuration)|^\/(register|authorize|token)$/;

/** Says of a path that is not there what a person, who reads it in their client's error, can do. */
export function describeAbsence(path: string): string {
  if (!OAUTH_PATHS.test(path)) return "There is nothing here; GET /docs shows what there is.";
  return (
    "There is no OAuth here: GET /.well-known/oauth-authorization-server says where it is, or why there is none. A token of " +
    "POST /api/auth/signup or /api/auth/signin counts too, in the header Authorization: Bearer TOKEN for /mcp."
  );
}
