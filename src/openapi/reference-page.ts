import { html, raw } from "hono/html";
import type { OpenApiDocument, OperationObject } from "./document.ts";

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h2 { margin-top: 2.5rem; }
section { border-top: 1px solid #8886; padding: 0.5rem 0 1rem; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid #8886; border-radius: 0.25rem; }
dt { font-weight: 600; }
dd { margin: 0 0 0.5rem 1rem; }
nav ul { columns: 18rem; }
`;

/** The stylesheet of the page. It is a file of its own, as the security policy allows no other. */
export const referenceStyle = STYLE.trim();

/** The API's reference as a page that needs no script and nothing from elsewhere. */
export function referencePage({ info, paths }: OpenApiDocument) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const tags = [...new Set(operations.flatMap(({ operation }) => operation.tags))];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} ${info.version}: API reference</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header><h1>${info.title} ${info.version}</h1><p>${info.description}. The same for programs: <a href="/openapi.json">/openapi.json</a>.</p></header>
<nav aria-label="Operations"><ul>${operations.map(
    ({ path, method, operation }) =>
      html`<li><a href="#${operation.operationId}"><code>${method} ${path}</code></a></li>`,
  )}</ul></nav>
<main>${tags.map(
    (tag) =>
      html`<h2>${tag}</h2>${operations
        .filter(({ operation }) => operation.tags.includes(tag))
        .map(({ path, method, operation }) => operationSection(path, method, operation))}`,
  )}</main>
</body>
</html>`;
}

function operationSection(path: string, method: string, operation: OperationObject) {
  const { operationId, summary, description, security, requestBody, responses } = operation;
  const who =
    security.length === 0
      ? "Anyone."
      : `With a ${Object.keys(security[0] ?? {}).join(" or ")}${"bearer" in (security[0] ?? {}) ? " token" : ""}.`;
  return html`<section id="${operationId}" aria-labelledby="${operationId}-title">
<h3 id="${operationId}-title"><code>${method} ${path}</code> ${summary}</h3>
<p>${description ?? ""} ${who}</p>
${requestBody === undefined ? "" : schemaBlock("Body", requestBody.content["application/json"]?.schema)}
<dl>${Object.entries(responses).map(
    ([status, response]) =>
      html`<dt>${status}</dt><dd>${response.description}${
        Number(status) < 300 ? schemaBlock("Answer", response.content?.["application/json"]?.schema) : ""
      }</dd>`,
  )}</dl>
</section>`;
}

function schemaBlock(label: string, schema: unknown) {
  if (schema === undefined) return raw("");
  return html`<details><summary>${label}</summary><pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre></details>`;
}
