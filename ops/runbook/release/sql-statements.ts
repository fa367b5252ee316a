/** A statement as its words can be looked at. */
export interface SqlStatement {
  /** In lower case on one line, without comments; what stands in quotes is `''`, a plain quoted name without them. */
  readonly words: string;
  /** What stands between its dollar quotes. */
  readonly bodies: readonly string[];
}

// In the order in which they are tried at each place: whatever begins first hides the others within it.
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$([\s\S]*?)\$\1\$|;/gi;

/** Splits a script into its statements. */
export function sqlStatements(sql: string): SqlStatement[] {
  const statements: { text: string; bodies: string[] }[] = [];
  let statement = { text: "", bodies: [] as string[] };
  let end = 0;
  for (const match of sql.matchAll(TOKEN)) {
    const [token, , body] = match;
    statement.text += sql.slice(end, match.index);
    end = match.index + token.length;
    if (token === ";") {
      statements.push(statement);
      statement = { text: "", bodies: [] };
    } else if (token.startsWith('"')) {
      statement.text += /^"[a-z_]\w*"$/.test(token) ? token.slice(1, -1) : '"quoted"';
    } else if (token.startsWith("-") || token.startsWith("/")) {
      statement.text += " ";
    } else {
      statement.text += "''";
      if (body !== undefined) statement.bodies.push(body);
    }
  }
  statement.text += sql.slice(end);
  return [...statements, statement]
    .map(({ text, bodies }) => ({ words: text.replace(/\s+/g, " ").trim().toLowerCase(), bodies }))
    .filter(({ words }) => words !== "");
}

/** Splits at the commas that stand in no brackets. */
export function splitAtCommas(words: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of words) {
    if (character === "(" || character === "[") depth += 1;
    if (character === ")" || character === "]") depth -= 1;
    if (character === "," && depth === 0) parts.push("");
    else parts.push((parts.pop() ?? "") + character);
  }
  return parts.map((part) => part.trim());
}
