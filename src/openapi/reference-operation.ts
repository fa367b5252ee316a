import { html, raw } from "hono/html";
import { isObject } from "../json.ts";
import type { OperationObject } from "./document.ts";

const JSON_TYPE = "application/json";

/** An operation and where it is. */
export interface DescribedOperation {
  readonly path: string;
  /** In capital letters. */
  readonly method: string;
  readonly operation: OperationObject;
}

/** An operation of the reference page, closed: who may call it, a line to paste, what goes in and what comes out. */
export function operationSection({ path, method, operation }: DescribedOperation, serverUrl: string) {
  const { operationId, summary, description, security, parameters = [], requestBody, responses } = operation;
  const content = requestBody?.content[JSON_TYPE];
  const [authentication] = security.flatMap((scheme) => Object.keys(scheme));
  const answers = Object.entries(responses);
  const [, answer] = answers.find(([status]) => Number(status) < 300) ?? [];
  return html`<details class="operation">
<summary><code>${method} ${path}</code> ${summary}</summary>
<section id="${operationId}" aria-label="${method} ${path}">
<p>${description ?? ""} ${authentication === undefined ? "No authentication needed." : `Needs a ${nameOf(authentication)}.`}</p>
<pre tabindex="0">${curlLine(method, `${serverUrl}${path}`, authentication, content?.example)}</pre>
${parameters.length === 0 ? "" : fieldTable("Parameters", Object.fromEntries(parameters.map((parameter) => [parameter.name, { ...parameter.schema, isRequired: parameter.required }])))}
${schemaPart("Body", content?.schema)}
${schemaPart("Answer", answer?.content?.[JSON_TYPE]?.schema)}
<h4>Status codes</h4>
<dl>${answers.map(([status, response]) => html`<dt>${status}</dt><dd>${response.description}</dd>`)}</dl>
</section>
</details>`;
}

function nameOf(scheme: string): string {
  return scheme === "bearer" ? "bearer token" : scheme;
}

/** A line for a shell: single quotes end the quoted text, stand escaped, and begin it again. */
function curlLine(method: string, url: string, authentication: string | undefined, example: unknown): string {
  const token = authentication === "metrics token" ? "$METRICS_TOKEN" : "$TOKEN";
  const body = example === undefined ? undefined : JSON.stringify(example).replaceAll("'", "'\\''");
  return [
    `curl ${method === "GET" || (method === "POST" && body !== undefined) ? "" : `-X ${method} `}${url}`,
    ...(authentication === undefined ? [] : [`-H "Authorization: Bearer ${token}"`]),
    ...(url.endsWith("/mcp") ? [`-H "Accept: application/json, text/event-stream"`] : []),
    ...(body === undefined ? [] : [`-H "Content-Type: ${JSON_TYPE}"`, `-d '${body}'`]),
  ].join(" \\\n  ");
}

/** What JSON Schema says of an object: its fields in a table, and the schema itself. */
function schemaPart(label: string, schema: unknown) {
  if (!isObject(schema)) return raw("");
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  const described = fields.map(([name, field]) => [
    name,
    { ...(isObject(field) ? field : {}), isRequired: required.includes(name) },
  ]);
  return html`${fields.length === 0 ? "" : fieldTable(label, Object.fromEntries(described))}
<details><summary>${label}: JSON Schema</summary><pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre></details>`;
}

function fieldTable(label: string, fields: Record<string, Record<string, unknown>>) {
  return html`<h4>${label}</h4>
<table>
<thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
<tbody>${Object.entries(fields).map(
    ([name, field]) =>
      html`<tr><td><code>${name}</code>${field.isRequired === true ? " (required)" : ""}</td><td>${typeOf(field)}</td><td>${field.description ?? ""}</td></tr>`,
  )}</tbody>
</table>`;
}

/** A schema's type in words, such as `list of string`. */
function typeOf(schema: unknown): string {
  if (!isObject(schema)) return "";
  const { const: constant, enum: values, anyOf, oneOf, items, type } = schema;
  if (constant !== undefined) return JSON.stringify(constant);
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(" or ");
  const options = anyOf ?? oneOf;
  if (Array.isArray(options)) return [...new Set(options.map(typeOf))].join(" or ");
  if (type === "array") return `list of ${typeOf(items) || "anything"}`;
  return Array.isArray(type) ? type.join(" or ") : String(type ?? "anything");
}
