import pg from "pg";
import { z } from "zod";

const tablesSchema = z.array(z.object({ name: z.string() }));
const tableSchema = z.tuple([z.object({ rows: z.coerce.number(), checksum: z.string() })]);

/** What a table holds: how many rows, and a checksum over all of them in whatever order. */
export const tableFingerprintSchema = z.object({ rows: z.number(), checksum: z.string() });

/** What every table of a database holds. */
export type Fingerprint = Readonly<Record<string, z.output<typeof tableFingerprintSchema>>>;

/** Asks a query, and hands back its rows. */
type Ask = (query: string) => Promise<unknown[]>;

// What a value looks like as text goes by them, and they may differ between two servers.
const OUTPUT_SETTINGS = {
  TimeZone: "UTC",
  DateStyle: "ISO",
  IntervalStyle: "postgres",
  bytea_output: "hex",
  extra_float_digits: "1",
};

/** Reads what every table of the schema public holds, as the transaction sees it that the queries are asked in. */
export async function readFingerprint(ask: Ask): Promise<Fingerprint> {
  const settings = Object.entries(OUTPUT_SETTINGS).map(
    ([name, value]) => `set_config('${name}', '${value}', true) as ${name}`,
  );
  await ask(`select ${settings.join(", ")}`);
  const names = await ask(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by relname collate "C"`,
  );
  const tables: Record<string, Fingerprint[string]> = {};
  for (const { name } of tablesSchema.parse(names)) {
    const rows = await ask(
      `select count(*) as rows, md5(coalesce(string_agg(row_md5, '' order by row_md5 collate "C"), '')) as checksum
       from (select md5(t::text) as row_md5 from public.${pg.escapeIdentifier(name)} as t) as all_rows`,
    );
    [tables[name]] = tableSchema.parse(rows);
  }
  return tables;
}

/** Every difference between two of them, one line each. */
export function differences(expected: Fingerprint, found: Fingerprint): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
  return names.flatMap((name) => {
    const [a, b] = [expected[name], found[name]];
    if (a === undefined) return [`${name} is there and was not`];
    if (b === undefined) return [`${name} is missing`];
    if (a.rows !== b.rows) return [`${name} has ${b.rows} rows and had ${a.rows}`];
    return a.checksum === b.checksum ? [] : [`${name} has ${a.rows} rows, but not the same`];
  });
}

/** How much that is, for a person. */
export function describeFingerprint(fingerprint: Fingerprint): string {
  const tables = Object.values(fingerprint);
  return `${tables.length} tables, ${tables.reduce((sum, { rows }) => sum + rows, 0)} rows`;
}
