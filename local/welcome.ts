/** What a person needs to know about a server that has just started. */
export interface Welcome {
  readonly url: string;
  readonly email: string;
  /** Undefined when nobody here knows it. */
  readonly password: string | undefined;
  readonly token: string;
  readonly tokenLifetimeDays: number;
  /** What the database is and where: a directory, or a server. */
  readonly database: string;
  readonly dataDirectory: string;
  readonly workerLog: string;
}

/** The text that `npm start` prints once everything runs. */
export function welcomeText(welcome: Welcome): string {
  return [serverLines(welcome), accountLines(welcome), curlLines(welcome), ["Ctrl-C stops it."]]
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function serverLines({ url, database, dataDirectory, workerLog }: Welcome): string[] {
  return [
    `MCP Task Server is running at ${url}`,
    "",
    `  Database      ${database}`,
    `  Data          ${dataDirectory}`,
    `  Worker's log  ${workerLog}`,
  ];
}

function accountLines({ email, password, token, tokenLifetimeDays }: Welcome): string[] {
  return [
    `  Demo account  ${email}`,
    ...(password === undefined ? [] : [`  Password      ${password}`]),
    `  Bearer token  for ${tokenLifetimeDays} days:`,
    token,
  ];
}

/** Lines to paste into a shell: the tools, a task made, the tasks listed. */
export function curlLines({ url, token }: Pick<Welcome, "url" | "token">): string[] {
  const call = (tool: string, input: object) =>
    `curl -sS ${url}/mcp/tools/${tool} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '${JSON.stringify(input)}'`;
  return [
    "Paste into another terminal:",
    "",
    `TOKEN=${token}`,
    `curl -sS ${url}/mcp/tools`,
    call("create_task", { title: "Buy milk" }),
    call("list_tasks", {}),
  ];
}
