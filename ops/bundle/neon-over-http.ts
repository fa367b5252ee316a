import { type Plugin, RolldownMagicString } from "rolldown";
import { parseAst } from "rolldown/parseAst";

/** The whole of Neon's driver as its package has it: one file, made by esbuild, with a call around each module in it. */
const DRIVER = /\/node_modules\/@neondatabase\/serverless\/index\.mjs$/;

/**
 * Leaves in the bundle what the worker uses of Neon's driver, SQL over HTTP. The rest is 90 KB of 140: its client over
 * WebSockets, node-postgres, and a Buffer for runtimes that have none. rolldown takes nothing away by itself, as the call
 * around a module may do anything.
 *
 * @returns a plugin that throws where the driver is not made as it was when this was written
 */
export function neonOverHttp(): Plugin {
  return {
    name: "neon-over-http",
    transform: {
      filter: { id: DRIVER },
      handler(code) {
        const changed = leaveOutUnused(code);
        return { code: changed.toString(), map: changed.generateMap().toString() };
      },
    },
  };
}

function leaveOutUnused(code: string): RolldownMagicString {
  const changed = new RolldownMagicString(code);
  for (const place of callsOfModules(code)) changed.appendLeft(place, "/* @__PURE__ */ ");
  // The parsers of values, of which drizzle sets some: `pg-types`, which the driver exports by way of node-postgres.
  replaceOnly(changed, /(?<=\bexport_types=)\w+\.types(?=;)/g, onlyMatch(code, /(?<=\bthis\.types=)\w+\(\)/g)[0]);
  // A worker has a Buffer.
  replaceOnly(changed, /(?<=\?globalThis\.Buffer:)\w+\(\)\.Buffer\b/g, "void 0");
  // Only clients over WebSockets use it, and the runtime loads streams and more for it. Without a nextTick the driver would
  // throw, and catch, an error; for its stack V8 reads the whole module again.
  replaceOnly(changed, /(?<==)globalThis\.process(?=\?\?\{\})/g, "{nextTick(){}}");
  return changed;
}

/** Where there are calls that do nothing which anything else sees: around a module, of a module, and to name a function. */
function callsOfModules(code: string): number[] {
  return parseAst(code).body.flatMap((statement) => {
    if (statement.type === "ExpressionStatement") {
      const { expression } = statement;
      const isName = expression.type === "CallExpression" && expression.arguments[1]?.type === "Literal";
      return isName ? [expression.start] : [];
    }
    if (statement.type !== "VariableDeclaration") return [];
    return statement.declarations.flatMap(({ init }) =>
      init?.type === "CallExpression"
        ? [init, ...init.arguments].filter(({ type }) => type === "CallExpression").map(({ start }) => start)
        : [],
    );
  });
}

function replaceOnly(changed: RolldownMagicString, pattern: RegExp, replacement: string): void {
  const { index, 0: found } = onlyMatch(changed.original, pattern);
  changed.update(index, index + found.length, replacement);
}

function onlyMatch(code: string, pattern: RegExp): RegExpExecArray {
  const [match, ...others] = code.matchAll(pattern);
  if (match === undefined || others.length > 0) throw new Error(`Neon's driver has changed: not once ${pattern}`);
  return match;
}
