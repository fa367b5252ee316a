import type { MigrationFile } from "../../database/migration-files.ts";

/** A statement that the version before the migration may not survive. */
export interface DestructiveStatement {
  readonly migration: string;
  readonly statement: string;
  readonly reason: string;
}

const DESTRUCTIVE: readonly (readonly [RegExp, string])[] = [
  [/\bdrop\s+(table|column|view|materialized\s+view|schema|type|sequence)\b/, "drops what the running version may use"],
  [/\bdrop\s+(function|procedure)\b/, "drops what the running version may call"],
  [/\balter\s+table\b[^;]*\bdrop\s+(?!constraint|default|not\s+null|expression|identity)/, "drops a column"],
  [/\brename\b/, "renames what the running version knows by its old name"],
  [/\balter\s+(column\s+)?[\w"]+\s+(set\s+data\s+)?type\b/, "changes a column's type under the running version"],
  [/\bset\s+not\s+null\b/, "refuses rows that the running version writes"],
  [
    /\badd\s+column\b[^,;]*\bnot\s+null\b(?![^,;]*\b(default|generated)\b)/,
    "refuses rows that the running version writes",
  ],
  [
    /\balter\s+table\b[^;]*\badd\s+constraint\b(?![^;]*\bnot\s+valid\b)/,
    "may refuse rows that the running version writes",
  ],
  [/\b(truncate|delete\s+from)\b/, "deletes rows"],
  [/\brevoke\b[^;]*\bfrom\s+task_worker\b/, "takes a right away from the running version"],
];

/**
 * Finds what in migrations is more than an expansion. It reads words, not SQL's grammar: what it finds a person
 * judges, and may release on its own after the code that needed the old shape has gone.
 */
export function findDestructiveStatements(files: readonly MigrationFile[]): DestructiveStatement[] {
  return files.flatMap(({ name, up }) => {
    const created = createdTables(up);
    return statementsOf(up).flatMap((statement) => {
      const words = statement.toLowerCase();
      const isOnNewTable = created.some((table) =>
        new RegExp(`^alter\\s+table\\s+(only\\s+)?"?${table}"?\\b`).test(words),
      );
      const found = isOnNewTable ? undefined : DESTRUCTIVE.find(([pattern]) => pattern.test(words));
      return found ? [{ migration: name, statement: shorten(statement), reason: found[1] }] : [];
    });
  });
}

/** Statements without comments; what functions are made of is not looked into: it is run later. */
function statementsOf(sql: string): string[] {
  return sql
    .replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''")
    .replace(/--.*$/gm, "")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/'(?:[^']|'')*'/g, "''")
    .split(";")
    .map((statement) => statement.replace(/\s+/g, " ").trim())
    .filter((statement) => statement !== "" && !/^revoke execute on function\b.* from public$/i.test(statement));
}

function createdTables(sql: string): string[] {
  return statementsOf(sql).flatMap((statement) => {
    const [, name] = /^create\s+table\s+(?:if\s+not\s+exists\s+)?"?(\w+)"?/i.exec(statement) ?? [];
    return name === undefined ? [] : [name.toLowerCase()];
  });
}

function shorten(statement: string): string {
  return statement.length <= 100 ? statement : `${statement.slice(0, 97)}…`;
}
