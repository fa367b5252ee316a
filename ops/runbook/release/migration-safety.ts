import type { MigrationFile } from "../../database/migration-files.ts";
import { type SqlStatement, splitAtCommas, sqlStatements } from "./sql-statements.ts";

/** A statement that the version before the migration may not survive. */
export interface DestructiveStatement {
  readonly migration: string;
  readonly statement: string;
  readonly reason: string;
}

/** What a migration makes itself: the running version knows nothing of it. */
interface Created {
  readonly tables: ReadonlySet<string>;
  readonly functions: ReadonlySet<string>;
  /** As `table.column`. */
  readonly columns: ReadonlySet<string>;
}

const NAME = String.raw`(?:public\.)?(\w+|"quoted")`;
const ALTER_TABLE = new RegExp(`^alter table (?:if exists )?(?:only )?${NAME} (.+)$`);
const CREATE_TABLE = new RegExp(`^create (?:unlogged )?table (?:if not exists )?${NAME}`);
const CREATE_FUNCTION = new RegExp(`^create (?:or replace )?(?:function|procedure) ${NAME}`);
const ADD_COLUMN =
  /^add (?:column )?(?:if not exists )?(?!(?:constraint|check|unique|primary|foreign|exclude|generated)\b)(\w+) (.+)$/;

/** What the running version does not meet, whatever there was before. */
const EXPANSIONS: readonly RegExp[] = [
  /^create (unlogged )?table\b/,
  /^create (or replace )?(view|function|procedure)\b/,
  /^create (materialized view|type|domain|sequence|schema|extension|role|statistics)\b/,
  /^create index\b/,
  /^create policy\b(?!.*\bas restrictive\b)/,
  /^alter type \S+ add value\b/,
  /^alter (role|database) \w+ (in database \w+ )?set (timezone|time zone|\w+_timeout)\b/,
  /^alter default privileges\b.* grant\b/,
  /^(set|reset) (local |session )?(timezone|time zone|\w+_timeout)\b/,
  /^(grant|comment on)\b/,
  /^insert into\b(?!.*\bdo update\b)/,
  // The worker's role makes nothing in a schema.
  /^revoke create on schema \w+ from public$/,
];

/** Of an `alter table`; a column that is added is looked at apart. */
const TABLE_EXPANSIONS: readonly RegExp[] = [
  /^alter (column )?\w+ (drop not null|set default\b|set statistics\b|set storage\b)/,
  // A key is what `on conflict` and foreign keys go by; PostgreSQL's own names for keys end so.
  /^drop constraint (if exists )?(?!\w*key\b)\w+( restrict)?$/,
  /^validate constraint\b/,
];

/** Why some of what is no expansion is none; the rest is only not known to be one. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^execute\b/, "runs what is only known when it runs"],
  [/^drop (function|procedure|routine|aggregate)\b/, "drops what the running version may call"],
  [/^drop policy\b|\brow level security\b|\bpolicy\b/, "changes which rows the running version sees"],
  [/^drop\b/, "drops what the running version may use"],
  [/\bset schema\b|\brename\b/, "moves what the running version knows by its old name"],
  [/^alter table\b.*\bdrop default\b/, "takes a default away that the running version may rely on"],
  [/^alter table\b.*\bdrop constraint\b/, "drops a key that the running version may rely on"],
  [/^alter table\b.*\bdrop\b/, "drops a column"],
  [/\balter (column )?\w+ (set data )?type\b/, "changes a column's type under the running version"],
  [
    /^alter table\b.*\b(add|set not null)\b|^create (unique index|constraint trigger|trigger)\b/,
    "may refuse rows that the running version writes",
  ],
  [/\btruncate\b|\bdelete from\b/, "deletes rows"],
  [/^update\b|\bdo update\b/, "changes rows that the running version has written"],
  [/^revoke\b/, "takes a right away that the running version may need"],
];

/**
 * Finds what in migrations is not known to be an expansion. It reads words, not SQL's grammar: what it finds a person
 * judges, and may release on its own after the code that needed the old shape has gone.
 */
export function findDestructiveStatements(files: readonly MigrationFile[]): DestructiveStatement[] {
  return files.flatMap(({ name, up }) => {
    const statements = sqlStatements(up).flatMap(unfold);
    const created = createdBy(statements);
    return statements
      .filter((statement) => !isExpansion(statement, created))
      .map(({ words }) => ({ migration: name, statement: shorten(words), reason: reasonFor(words) }));
  });
}

/** What a DO block runs, in place of the block; what functions are made of is not looked into: it is run later. */
function unfold(statement: SqlStatement): SqlStatement[] {
  const [body, ...others] = statement.bodies;
  if (!/^do\b/.test(statement.words) || body === undefined || others.length > 0) return [statement];
  return sqlStatements(body.replace(/^\s*declare\b[\s\S]*?\bbegin\b/i, "begin"))
    .map((inner) => ({ ...inner, words: withoutControl(inner.words) }))
    .filter(({ words }) => words !== "")
    .flatMap(unfold);
}

/** A statement of PL/pgSQL without what decides whether it is run. */
function withoutControl(words: string): string {
  const rest = words.replace(
    /^(begin|exception|else|loop|when\b.*? then|(els)?if\b.*? then|(for|while)\b.*? loop|end( if| loop)?|null$|raise\b.*)( |$)/,
    "",
  );
  return rest === words ? words : withoutControl(rest);
}

function createdBy(statements: readonly SqlStatement[]): Created {
  const found = (pattern: RegExp) => new Set(statements.flatMap(({ words }) => pattern.exec(words)?.[1] ?? []));
  const columns = statements.flatMap(({ words }) => {
    const [, table, actions = ""] = ALTER_TABLE.exec(words) ?? [];
    return splitAtCommas(actions).flatMap((action) => {
      const column = ADD_COLUMN.exec(action)?.[1];
      return column === undefined ? [] : [`${table}.${column}`];
    });
  });
  return { tables: found(CREATE_TABLE), functions: found(CREATE_FUNCTION), columns: new Set(columns) };
}

function isExpansion({ words }: SqlStatement, created: Created): boolean {
  // Also within a statement that begins harmlessly, as `with` lets it.
  if (/\b(delete from|truncate)\b/.test(words)) return false;
  const [, table = "", actions = ""] = ALTER_TABLE.exec(words) ?? [];
  if (table !== "") return created.tables.has(table) || splitAtCommas(actions).every(isTableExpansion);
  const [, on = ""] = new RegExp(`^create\\b.*? on (?:only )?${NAME}`).exec(words) ?? [];
  if (created.tables.has(on) && /^create (unique index|trigger|policy)\b/.test(words)) return true;
  const [, taken = ""] = new RegExp(`^revoke execute on function ${NAME} ?\\([^()]*\\) from public$`).exec(words) ?? [];
  if (created.functions.has(taken)) return true;
  return fillsNewColumns(words, created.columns) || EXPANSIONS.some((pattern) => pattern.test(words));
}

function isTableExpansion(action: string): boolean {
  const [, , definition] = ADD_COLUMN.exec(action) ?? [];
  if (definition === undefined) return TABLE_EXPANSIONS.some((pattern) => pattern.test(action));
  if (/\b(check|unique|primary key)\b/.test(definition)) return false;
  return (
    !/\bnot null\b/.test(definition) ||
    (/\b(default|generated)\b/.test(definition) && !/\bdefault null\b/.test(definition))
  );
}

/** An update of nothing but columns that are new. */
function fillsNewColumns(words: string, columns: ReadonlySet<string>): boolean {
  const [, table = "", assignments = ""] =
    new RegExp(`^update (?:only )?${NAME} set (.+?)(?: from .*| where .*)?$`).exec(words) ?? [];
  if (table === "") return false;
  return splitAtCommas(assignments).every((assignment) => columns.has(`${table}.${/^\w+/.exec(assignment)?.[0]}`));
}

function reasonFor(words: string): string {
  return REASONS.find(([pattern]) => pattern.test(words))?.[1] ?? "is not known to be an expansion";
}

function shorten(statement: string): string {
  return statement.length <= 100 ? statement : `${statement.slice(0, 97)}…`;
}
