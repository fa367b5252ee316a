import { claudeCodeSignInLine } from "./client-lines.ts";

/** What a person needs to know about a server that has just started. */
export interface Welcome {
  readonly url: string;
  readonly userId: number;
  readonly email: string;
  /** Undefined when nobody here knows it. */
  readonly password: string | undefined;
  readonly token: string;
  /** For how long the token counts, as a sentence goes on after "the token". */
  readonly lasts: string;
  /** Which model answers in chat, and where; undefined for the demo model. */
  readonly model: string | undefined;
  /** What the database is and where: a directory, or a server. */
  readonly database: string;
  readonly dataDirectory: string;
  readonly workerLog: string;
  /** The file that has the lines for every MCP client. */
  readonly clientsFile: string;
}

/**
 * The text that `npm start` prints once everything runs: short, with the token in it once and the URL last, so that both
 * are on the screen at its end.
 */
export function welcomeText(welcome: Welcome): string {
  return [serverLines(welcome), accountLines(welcome), curlLines(welcome), connectLines(welcome), endLines(welcome)]
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function serverLines({ url, database, model, dataDirectory, workerLog }: Welcome): string[] {
  return [
    `MCP Task Server is running at ${url}`,
    `  Database      ${database}`,
    `  Data          ${dataDirectory}`,
    `  Chat          ${model ?? "a DEMO MODEL, no AI: simple sentences only. Set OPENAI_API_KEY to use a real one."}`,
    `  Worker's log  ${workerLog}`,
  ];
}

function accountLines({ email, password }: Welcome): string[] {
  return [`  Demo account  ${email}`, ...(password === undefined ? [] : [`  Password      ${password}`])];
}

/**
 * Lines to paste into a shell: the tools, a task made, the tasks listed, and the same in words. They are about no task of
 * README.md's dialogue, which then goes as it stands there for who has pasted them.
 */
function curlLines({ url, token, lasts, userId }: Welcome): string[] {
  const call = (tool: string, input: object) =>
    `curl -sS ${url}/mcp/tools/${tool} -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '${JSON.stringify(input)}'`;
  const chat = (message: string) =>
    `curl -sS ${url}/chat -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '${JSON.stringify({ user_id: userId, message })}'`;
  return [
    `Paste into another terminal; the token ${lasts}:`,
    "",
    `TOKEN=${token}`,
    `curl -sS ${url}/mcp/tools`,
    call("create_task", { title: "Water the plants" }),
    call("list_tasks", {}),
    chat("add stamps and envelopes to errands"),
    chat("List my tasks"),
  ];
}

function connectLines({ url, clientsFile }: Welcome): string[] {
  return [
    "Connect an MCP client by its URL alone; it opens the browser, where the demo account signs in. Claude Code:",
    "",
    claudeCodeSignInLine({ url }),
    "",
    `Codex, Cursor, VS Code, Inspector, clients that speak stdio, and all of them with the token: ${clientsFile}`,
  ];
}

function endLines({ url }: Welcome): string[] {
  return [`${url}   Ctrl-C stops it.`];
}
