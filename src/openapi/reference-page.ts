import { html } from "hono/html";
import type { OpenApiDocument } from "./document.ts";
import { type DescribedOperation, operationSection } from "./reference-operation.ts";

/** The longest search, in UTF-16 code units; what goes beyond is not looked at. */
const LONGEST_SEARCH = 100;

/**
 * The API's reference as a page that needs no script and nothing from elsewhere: an operation is a line until it is
 * opened.
 *
 * @param search words that an operation must all have; all operations without any
 */
export function referencePage({ info, paths, servers, tags }: OpenApiDocument, search = "") {
  const wanted = search.slice(0, LONGEST_SEARCH).trim();
  const operations = Object.entries(paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    )
    .filter((operation) => hasWords(operation, wanted));
  const groups = tags
    .map(({ name }) => ({ name, operations: operations.filter(({ operation }) => operation.tags.includes(name)) }))
    .filter((group) => group.operations.length > 0);
  const [server] = servers;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} ${info.version}: API reference</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header>
<h1>${info.title} ${info.version}</h1>
<p>${info.description}. The same for programs: <a href="/openapi.json">/openapi.json</a>.</p>
<form role="search" action="/docs" method="get">
<label for="search">Search</label>
<input type="search" id="search" name="search" maxlength="${LONGEST_SEARCH}" value="${wanted}" placeholder="create_task, token, due">
<button type="submit">Search</button>
${wanted === "" ? "" : html`<a href="/docs">Show all</a>`}
</form>
</header>
<nav aria-label="Groups"><ul>${groups.map(({ name }) => html`<li><a href="#group-${name}">${name}</a></li>`)}</ul></nav>
<main>
${wanted === "" ? "" : html`<p role="status">${countOf(operations.length)} with &ldquo;${wanted}&rdquo;.</p>`}
${groups.map(
  (group) =>
    html`<h2 id="group-${group.name}">${group.name}</h2>${group.operations.map((operation) =>
      operationSection(operation, server?.url ?? ""),
    )}`,
)}
</main>
</body>
</html>`;
}

function countOf(count: number): string {
  if (count === 0) return "No operation";
  return count === 1 ? "1 operation" : `${count} operations`;
}

function hasWords({ path, method, operation }: DescribedOperation, search: string): boolean {
  const { operationId, summary, description, tags, parameters, requestBody } = operation;
  const said = JSON.stringify([path, method, operationId, summary, description, tags, parameters, requestBody]);
  const text = said.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
