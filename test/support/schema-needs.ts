import { z } from "zod";
import type { MigrationConnection } from "../../ops/database/migrate.ts";

/** What a release meets in its database: a later schema may have more of it, never less. */
export interface SchemaNeeds {
  /** What must still be there. */
  readonly kept: ReadonlySet<string>;
  /** What may refuse a row or hide one. */
  readonly refusals: readonly Refusal[];
  /** The columns of each table. */
  readonly columns: ReadonlyMap<string, ReadonlySet<string>>;
}

interface Refusal {
  readonly table: string;
  /** What it looks at; empty where it is the table as a whole. */
  readonly columns: readonly string[];
  readonly text: string;
}

const factsSchema = z.array(z.object({ fact: z.string() }));
const columnsSchema = z.array(z.object({ table: z.string(), column: z.string() }));
const refusalsSchema = z.array(z.object({ table: z.string(), columns: z.array(z.string()), text: z.string() }));

const TABLES = "pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')";
const COLUMNS = `pg_attribute a join (select c.* from ${TABLES}) c on a.attrelid = c.oid and attnum > 0 and not attisdropped`;
/** Names of the columns that an array of numbers stands for. */
const namesOf = (numbers: string, table: string) =>
  `array(select attname::text from pg_attribute where attrelid = ${table} and attnum = any (${numbers}) order by attname)`;
/** An index but for its name. */
const INDEX = "regexp_replace(pg_get_indexdef(i.indexrelid), 'INDEX \\S+ ON', 'INDEX ON')";

/** Each query gives the facts of one kind. */
const KEPT = [
  `select format('table %s', relname) as fact from ${TABLES}`,
  `select format('column %s.%s %s', relname, attname, format_type(atttypid, atttypmod)) as fact from ${COLUMNS}`,
  `select format('column %s.%s may be left out', relname, attname) as fact from ${COLUMNS}
   where not attnotnull or atthasdef or attidentity <> ''`,
  `select format('column %s.%s may be null', relname, attname) as fact from ${COLUMNS} where not attnotnull`,
  `select format('column %s.%s may be written', relname, attname) as fact from ${COLUMNS} where attgenerated = ''`,
  `select format('column %s.%s may be set to %s', relname, attname, pg_get_expr(adbin, adrelid)) as fact
   from ${COLUMNS} join pg_attrdef on adrelid = attrelid and adnum = attnum`,
  `select format('%s on column %s.%s', privilege, relname, attname) as fact
   from ${COLUMNS}, unnest(array['select', 'insert', 'update']) as privilege
   where has_column_privilege('task_worker', attrelid, attnum, privilege)`,
  `select format('delete on table %s', relname) as fact from ${TABLES} and has_table_privilege('task_worker', oid, 'delete')`,
  `select format('function %s(%s) returns %s', proname, pg_get_function_identity_arguments(oid), pg_get_function_result(oid)) as fact
   from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'
     and has_function_privilege('task_worker', oid, 'execute')`,
  `select format('key of %s', ${INDEX}) as fact
   from pg_index i join (select c.* from ${TABLES}) c on c.oid = indrelid where indisunique`,
  `select format('policy %s on %s for %s: %s, %s', polname, relname, polcmd,
     pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) as fact
   from pg_policy join (select c.* from ${TABLES}) c on c.oid = polrelid where polpermissive`,
  `select format('enum %s has %s', typname, enumlabel) as fact from pg_enum join pg_type on pg_type.oid = enumtypid`,
];

const REFUSALS = [
  `select relname as "table", ${namesOf("conkey", "conrelid")} as columns, pg_get_constraintdef(pg_constraint.oid) as text
   from pg_constraint join (select c.* from ${TABLES}) c on c.oid = conrelid where contype not in ('p', 'u', 'n', 't')`,
  `select relname as "table", ${namesOf("indkey", "indrelid")} as columns, ${INDEX} as text
   from pg_index i join (select c.* from ${TABLES}) c on c.oid = indrelid where indisunique`,
  `select relname as "table", array[]::text[] as columns, 'row security' as text from ${TABLES} and relrowsecurity`,
  `select relname as "table", array[]::text[] as columns, format('restrictive policy %s', polname) as text
   from pg_policy join (select c.* from ${TABLES}) c on c.oid = polrelid where not polpermissive`,
  `select relname as "table", array[]::text[] as columns, format('%s must be given', attname) as text from ${COLUMNS}
   where attnotnull and not atthasdef and attidentity = ''`,
];

/** Reads what the database has now for the worker. */
export async function readSchemaNeeds(owner: MigrationConnection): Promise<SchemaNeeds> {
  const kept = new Set<string>();
  for (const query of KEPT) for (const { fact } of factsSchema.parse((await owner.query(query)).rows)) kept.add(fact);
  const refusals: Refusal[] = [];
  for (const query of REFUSALS) refusals.push(...refusalsSchema.parse((await owner.query(query)).rows));
  const { rows } = await owner.query(`select relname as "table", attname as "column" from ${COLUMNS}`);
  const columns = new Map<string, Set<string>>();
  for (const { table, column } of columnsSchema.parse(rows)) {
    columns.set(table, (columns.get(table) ?? new Set()).add(column));
  }
  // The catalog gives them in the order in which its rows happen to lie.
  const nameOf = ({ table, text }: Refusal) => `${table}: ${text}`;
  return { kept, refusals: refusals.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b))), columns };
}

/** What a release that met the one schema misses in the other, each in a line; nothing where that only expands it. */
export function missedAfter(before: SchemaNeeds, after: SchemaNeeds): string[] {
  const gone = [...before.kept].filter((fact) => !after.kept.has(fact)).map((fact) => `no longer there: ${fact}`);
  const known = new Set(before.refusals.map(({ table, text }) => `${table}: ${text}`));
  const refused = after.refusals
    // What looks at a new column as well says nothing of rows that leave it empty.
    .filter(({ table, columns }) => {
      const old = before.columns.get(table);
      return old !== undefined && columns.every((column) => old.has(column));
    })
    .map(({ table, text }) => `${table}: ${text}`)
    .filter((refusal) => !known.has(refusal))
    .map((refusal) => `may refuse or hide rows: ${refusal}`);
  return [...gone, ...refused];
}
