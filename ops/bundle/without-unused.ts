import { type Plugin, RolldownMagicString } from "rolldown";
import { parseAst } from "rolldown/parseAst";

type Statement = ReturnType<typeof parseAst>["body"][number];
type Class = Extract<Statement, { type: "ClassDeclaration" | "ClassExpression" }>;

/**
 * Functions, classes and `Class.method`s that nothing here reaches: every caller belongs to a feature that this server does
 * not turn on. By module, or by package, where the names of files may change with a build.
 */
const UNUSED: readonly (readonly [where: string, names: readonly string[]])[] = [
  // The stateless mode speaks 2026-07-28 alone, whose servers are each a `Server`; another SDK speaks the protocols of 2025.
  // No server here asks its client for anything.
  [
    "@modelcontextprotocol/server",
    [
      ...["buildSchemas2025", "createLegacyStatelessFallback", "LegacyInputRequiredShim", "McpServer"],
      ...["Server.createMessage", "Server.elicitInput", "Server.listRoots"],
    ],
  ],
  ["agents", ["createLegacyCompatibilityRequestHandler"]],
  // The same in the session mode, where nothing is a task in the protocol's sense: a request that is answered later.
  [
    "@modelcontextprotocol/sdk/dist/esm/server/index.js",
    ["Server.createMessage", "Server.elicitInput", "Server.listRoots"],
  ],
  ["@modelcontextprotocol/sdk/dist/esm/shared/protocol.js", ["Protocol.requestStream", "Protocol.requestTaskStore"]],
  ["@modelcontextprotocol/sdk/dist/esm/experimental/tasks/server.js", ["ExperimentalServerTasks"]],
  // The grants are those by code and by refresh token, and we serve the protected resource ourselves. Clients register or
  // describe themselves.
  [
    "@cloudflare/workers-oauth-provider",
    [
      ...["OAuthProviderImpl.handleApiRequest", "OAuthProviderImpl.handleProtectedResourceMetadata"],
      ...["OAuthProviderImpl.handleTokenExchangeGrant", "OAuthProviderImpl.exchangeToken"],
      ...["OAuthProviderImpl.handleJwtBearerGrant", "OAuthProviderImpl.runEmaPipeline"],
      ...["OAuthProviderImpl.verifyAssertionSignature", "OAuthProviderImpl.issueEmaAccessToken"],
      ...["OAuthHelpersImpl.createClient", "OAuthHelpersImpl.listClients", "OAuthHelpersImpl.updateClient"],
      ...["OAuthHelpersImpl.deleteClient", "OAuthHelpersImpl.exchangeToken", "OAuthHelpersImpl.purgeExpiredData"],
      ...["beginUpstream", "finishUpstream"],
    ],
  ],
  // `query.table.findMany`, for which drizzle would have to be given the schema; and its own migrations.
  ["drizzle-orm/pg-core/dialect.js", ["PgDialect.buildRelationalQueryWithoutPK", "PgDialect.migrate"]],
  ["drizzle-orm/relations.js", ["extractTablesRelationalConfig"]],
  // Sentry's session tracking and cron check-ins; we send neither.
  ["@sentry/core/esm/sessionflusher.js", ["SessionFlusher"]],
  ["@sentry/core/esm/server-runtime-client.js", ["ServerRuntimeClient.captureCheckIn"]],
];

/** Packages whose schemas are each made by a call, which, for all rolldown knows, might do anything. */
const SCHEMAS_ARE_CALLS = /\/node_modules\/(?:@modelcontextprotocol\/\w+|agents)\/dist\/.*\.m?js$/;

/** Enters a schema in `specTypeSchemas` and `isSpecType`, which are for applications; loops call it for all there are. */
const ENTER_SCHEMA = "register";

/** Modules to look into. */
const MODULES = [SCHEMAS_ARE_CALLS, ...UNUSED.map(([where]) => new RegExp(`/node_modules/${where}(?:/.*\\.m?js)?$`))];

/**
 * Leaves in the bundle what is used of the packages. rolldown cannot tell by itself: it keeps every method of a class,
 * whatever options the method is for.
 *
 * What is left out throws an error with its name.
 *
 * @param mustFindAll whether the bundle has every module in which something is left out
 * @returns a plugin that throws where a name is no longer found
 */
export function withoutUnused({ mustFindAll }: { readonly mustFindAll: boolean }): Plugin {
  const missing = new Map<string, Set<string>>();
  const look = (where: string, names: readonly string[]): Set<string> => {
    const left = missing.get(where) ?? new Set(names);
    missing.set(where, left);
    return left;
  };
  return {
    name: "without-unused",
    buildStart() {
      if (mustFindAll) for (const [where, names] of UNUSED) look(where, names);
    },
    transform: {
      filter: { id: MODULES },
      handler(code, id) {
        const path = id.slice(id.lastIndexOf("/node_modules/") + "/node_modules/".length);
        const parts = UNUSED.filter(([where]) => path === where || path.startsWith(`${where}/`));
        const unused = parts.flatMap(([, names]) => names);
        const hasSchemas = SCHEMAS_ARE_CALLS.test(id);
        const changed = new RolldownMagicString(code);
        const refused = parseAst(code).body.flatMap((statement) => {
          if (hasSchemas) {
            if (entersSchema(statement)) changed.remove(statement.start, statement.end);
            makePure(changed, statement);
          }
          return refuse(changed, statement, unused);
        });
        for (const [where, names] of parts) {
          const left = look(where, names);
          for (const name of refused) left.delete(name);
        }
        return { code: changed.toString(), map: changed.generateMap({ hires: "boundary" }).toString() };
      },
    },
    buildEnd(error) {
      if (error !== undefined) return;
      for (const [where, left] of missing) {
        if (left.size > 0) throw new Error(`${where} has changed: there is no ${Array.from(left).join(", ")}`);
      }
    },
  };
}

/** Whether it is one of the loops over schemas. */
function entersSchema(statement: Statement): boolean {
  if (statement.type !== "ForOfStatement" || statement.body.type !== "ExpressionStatement") return false;
  const { expression } = statement.body;
  return (
    expression.type === "CallExpression" &&
    expression.callee.type === "Identifier" &&
    expression.callee.name === ENTER_SCHEMA
  );
}

/** Says of the calls that give a variable its value that they do nothing else: it may go where nothing reads it. */
function makePure(changed: RolldownMagicString, statement: Statement): void {
  const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
  if (declaration?.type !== "VariableDeclaration") return;
  for (const { init } of declaration.declarations) {
    if (init?.type !== "CallExpression") continue;
    // A chain of calls, and those among its arguments, as one call.
    changed.appendLeft(init.start, "/* @__PURE__ */ (() => ");
    changed.appendRight(init.end, ")()");
  }
}

/** Puts an error in the place of what is unused, and returns its name. */
function refuse(changed: RolldownMagicString, statement: Statement, unused: readonly string[]): string[] {
  const declaration = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
  switch (declaration?.type) {
    case "FunctionDeclaration": {
      const { id, body } = declaration;
      if (id === null || body === null || !unused.includes(id.name)) return [];
      changed.update(body.start, body.end, `{ ${errorOf(id.name)} }`);
      return [id.name];
    }
    case "ClassDeclaration":
      return declaration.id === null ? [] : refuseOfClass(changed, declaration.id.name, declaration.body, unused);
    case "VariableDeclaration":
      return declaration.declarations.flatMap(({ id, init }) =>
        id.type === "Identifier" && init?.type === "ClassExpression"
          ? refuseOfClass(changed, id.name, init.body, unused)
          : [],
      );
    default:
      return [];
  }
}

/** The same in the place of a class, or of some of its methods. */
function refuseOfClass(
  changed: RolldownMagicString,
  name: string,
  { start, end, body: members }: Class["body"],
  unused: readonly string[],
): string[] {
  if (unused.includes(name)) {
    changed.update(start, end, `{ constructor() { ${errorOf(name)} } }`);
    return [name];
  }
  return members.flatMap((member) => {
    if (member.type !== "MethodDefinition" || member.kind !== "method" || member.computed) return [];
    if (member.key.type !== "Identifier" || member.value.body === null) return [];
    const method = `${name}.${member.key.name}`;
    if (!unused.includes(method)) return [];
    changed.update(member.value.body.start, member.value.body.end, `{ ${errorOf(method)} }`);
    return [method];
  });
}

function errorOf(name: string): string {
  return `throw new Error(${JSON.stringify(`ops/bundle leaves ${name} out of the bundle`)});`;
}
