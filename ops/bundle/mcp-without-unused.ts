import { type Plugin, RolldownMagicString } from "rolldown";
import { parseAst } from "rolldown/parseAst";

type Statement = ReturnType<typeof parseAst>["body"][number];

/** The SDKs of both modes, and what Cloudflare has around that of the stateless mode. The package is the first group. */
const PACKAGES = /\/node_modules\/(@modelcontextprotocol\/\w+|agents)\/dist\/.*\.m?js$/;

/**
 * Functions and classes that others in their package refer to, but that nothing here comes by: the stateless mode speaks
 * 2026-07-28 alone, whose servers are each a `Server`. Another SDK speaks the protocols of 2025.
 */
const UNUSED: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "@modelcontextprotocol/server",
    ["buildSchemas2025", "createLegacyStatelessFallback", "LegacyInputRequiredShim", "McpServer"],
  ],
  ["agents", ["createLegacyCompatibilityRequestHandler"]],
]);

/** Enters a schema in `specTypeSchemas` and `isSpecType`, which are for applications; loops call it for all there are. */
const ENTER_SCHEMA = "register";

/**
 * Leaves in the bundle what is used of the MCP SDKs. rolldown cannot tell by itself: a schema is made by a call, which might
 * do anything, and a class is the same to it whatever the options are that it is for.
 *
 * What is left out throws an error with its name.
 *
 * @returns a plugin that throws where a package has none of what is left out, or has it otherwise
 */
export function mcpWithoutUnused(): Plugin {
  const missing = new Map<string, Set<string>>();
  return {
    name: "mcp-without-unused",
    transform: {
      filter: { id: PACKAGES },
      handler(code, id) {
        const changed = new RolldownMagicString(code);
        const name = PACKAGES.exec(id)?.[1] ?? "";
        const unused = UNUSED.get(name) ?? [];
        const left = missing.get(name) ?? new Set(unused);
        missing.set(name, left);
        for (const statement of parseAst(code).body) {
          if (entersSchema(statement)) changed.remove(statement.start, statement.end);
          makePure(changed, statement);
          for (const refused of refuse(changed, statement, unused)) left.delete(refused);
        }
        return { code: changed.toString(), map: changed.generateMap().toString() };
      },
    },
    buildEnd(error) {
      if (error !== undefined) return;
      for (const [name, left] of missing) {
        if (left.size > 0) throw new Error(`${name} has changed: there is no ${Array.from(left).join(", ")}`);
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
  if (statement.type === "FunctionDeclaration") {
    const { id, body } = statement;
    if (id === null || body === null || !unused.includes(id.name)) return [];
    changed.update(body.start, body.end, `{ ${errorOf(id.name)} }`);
    return [id.name];
  }
  if (statement.type !== "VariableDeclaration") return [];
  return statement.declarations.flatMap(({ id, init }) => {
    if (id.type !== "Identifier" || init?.type !== "ClassExpression" || !unused.includes(id.name)) return [];
    changed.update(init.body.start, init.body.end, `{ constructor() { ${errorOf(id.name)} } }`);
    return [id.name];
  });
}

function errorOf(name: string): string {
  return `throw new Error(${JSON.stringify(`ops/bundle leaves ${name} out of the bundle`)});`;
}
