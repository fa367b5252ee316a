import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { CloudflareError, type WorkerScript } from "./account.ts";
import { readUpload, type Upload } from "./upload.ts";
import {
  deploymentView,
  environmentView,
  schedulesView,
  secretsView,
  serviceView,
  settingsView,
  versionView,
} from "./views.ts";

/** What the account holds. */
export interface Account {
  readonly id: string;
  readonly token: string;
  readonly scripts: Map<string, WorkerScript>;
  /** Titles of KV namespaces, by their id. */
  readonly namespaces: Map<string, string>;
  /** Routes of the API that fail, by method and path. */
  readonly broken: Set<string>;
  makeScript(name: string): WorkerScript;
  /** Where the log lines of a script can be followed. */
  tailUrl(scriptName: string): string;
}

interface ApiRequest {
  readonly account: Account;
  /** The worker that the path names; it need not be there. */
  readonly name: string;
  /** What the path names below the worker. */
  readonly detail: string;
  /** Lists come by pages; everything is on the first. */
  readonly page: number;
  json(): Promise<unknown>;
  upload(): Promise<Upload>;
}

/** What the account has chosen for its workers' names at workers.dev. */
const SUBDOMAIN = "stand-in";

const WORKER_NOT_FOUND = 10007;

const secretSchema = z.object({ name: z.string(), text: z.string() });
const bulkSchema = z.object({ secrets: z.record(z.string(), secretSchema.nullable()) });
const workersDevSchema = z.object({ enabled: z.boolean() });
const schedulesSchema = z.array(z.object({ cron: z.string() }));
const namespaceSchema = z.object({ title: z.string() });
const deploymentSchema = z.object({
  strategy: z.literal("percentage"),
  versions: z.array(z.object({ version_id: z.string(), percentage: z.number() })),
  annotations: z.object({ "workers/message": z.string().optional() }).optional(),
});

/** Method and path below `/accounts/{id}`, as wrangler 4.156.2 asks for them; `*` stands for one part of a path. */
const routes: Readonly<Record<string, (request: ApiRequest) => unknown>> = {
  "GET /workers/services/*": (request) => serviceView(scriptOf(request)),
  "GET /workers/services/*/environments/*": (request) => environmentView(scriptOf(request)),
  "GET /workers/services/*/environments/*/bindings": () => [],
  "GET /workers/services/*/environments/*/routes": () => [],
  "GET /workers/services/*/environments/*/subdomain": () => ({ enabled: false, previews_enabled: false }),
  "GET /workers/workers/*": ({ name, account }) => ({
    id: name,
    name,
    subdomain: { enabled: account.scripts.get(name)?.isOnWorkersDev ?? false, previews_enabled: false },
  }),
  "GET /workers/subdomain": () => ({ subdomain: SUBDOMAIN }),
  "GET /workers/domains/records": () => [],
  "GET /workers/scripts/*/subdomain": () => ({ enabled: false, previews_enabled: false }),
  "POST /workers/scripts/*/subdomain": postSubdomain,
  "POST /workers/scripts/*/domains/changeset": () => ({ added: [], removed: [], updated: [], conflicting: [] }),
  "PUT /workers/scripts/*/domains/records": () => [],
  "GET /workers/scripts/*/schedules": (request) => schedulesView(scriptOf(request)),
  "PUT /workers/scripts/*/schedules": putSchedules,
  "GET /workers/scripts/*/settings": (request) => settingsView(scriptOf(request)),
  "GET /workers/scripts/*/script-settings": () => ({ logpush: false }),
  "PATCH /workers/scripts/*/script-settings": () => ({ logpush: false }),
  "GET /workers/scripts/*/secrets": (request) => secretsView(scriptOf(request)),
  "PUT /workers/scripts/*/secrets": putSecret,
  "PATCH /workers/scripts/*/secrets-bulk": patchSecrets,
  "PUT /workers/scripts/*": putScript,
  "GET /workers/scripts/*/versions": (request) => ({ items: scriptOf(request).versions.map(versionView) }),
  "POST /workers/scripts/*/versions": postVersion,
  "GET /workers/scripts/*/versions/*": (request) => versionView(scriptOf(request).findVersion(request.detail)),
  "GET /workers/scripts/*/deployments": (request) => ({
    deployments: scriptOf(request).deployments.map(deploymentView),
  }),
  "POST /workers/scripts/*/deployments": postDeployment,
  "POST /workers/scripts/*/tails": (request) => ({
    id: randomUUID(),
    url: request.account.tailUrl(scriptOf(request).name),
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
  }),
  "DELETE /workers/scripts/*/tails/*": () => null,
  "GET /storage/kv/namespaces": ({ account, page }) =>
    page > 1 ? [] : [...account.namespaces].map(([id, title]) => ({ id, title })),
  "POST /storage/kv/namespaces": postNamespace,
};

/** Answers one request to the API with Cloudflare's envelope. */
export async function answerApi(account: Account, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = (status: number, result: unknown, errors: { code: number; message: string }[] = []): void => {
    const list = Array.isArray(result) ? { result_info: { page: 1, per_page: 1000, count: result.length } } : {};
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ success: errors.length === 0, errors, messages: [], result, ...list }));
  };
  try {
    if (request.headers.authorization !== `Bearer ${account.token}`) {
      throw new CloudflareError(403, 10000, "Authentication error");
    }
    answer(200, await route(account, request));
  } catch (error) {
    const { status, code, message } =
      error instanceof CloudflareError ? error : new CloudflareError(500, 10013, String(error));
    answer(status, null, [{ code, message }]);
  }
}

async function route(account: Account, request: IncomingMessage): Promise<unknown> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://stand-in.invalid");
  const path = pathname.replace(`/client/v4/accounts/${account.id}`, "").split("/").slice(1);
  const [key, handle] =
    Object.entries(routes).find(([key]) => {
      const [method, template = ""] = key.split(" ");
      const parts = template.split("/").slice(1);
      return (
        method === request.method &&
        parts.length === path.length &&
        parts.every((part, index) => part === "*" || part === path[index])
      );
    }) ?? [];
  if (key === undefined || handle === undefined) {
    throw new CloudflareError(404, 7003, `the stand-in has no ${request.method} ${pathname}`);
  }
  if (account.broken.has(key)) throw new CloudflareError(400, 100117, `the rehearsal has broken ${key}`);
  const body = await buffer(request);
  return handle({
    account,
    name: path[2] ?? "",
    detail: path[4] ?? "",
    page: Number(searchParams.get("page") ?? 1),
    json: async () => JSON.parse(body.toString("utf8")),
    upload: () => readUpload(body, request.headers["content-type"] ?? ""),
  });
}

function scriptOf({ account, name }: ApiRequest): WorkerScript {
  const script = account.scripts.get(name);
  if (script === undefined) {
    throw new CloudflareError(404, WORKER_NOT_FOUND, "This Worker does not exist on your account.");
  }
  return script;
}

async function putSecret(request: ApiRequest): Promise<unknown> {
  const { name, text } = secretSchema.parse(await request.json());
  await scriptOf(request).changeSecrets(new Map([[name, text]]));
  return { name, type: "secret_text" };
}

async function patchSecrets(request: ApiRequest): Promise<unknown> {
  const { secrets } = bulkSchema.parse(await request.json());
  await scriptOf(request).changeSecrets(new Map(Object.entries(secrets).map(([name, to]) => [name, to?.text])));
  return secretsView(scriptOf(request));
}

async function putScript({ account, name, upload }: ApiRequest): Promise<unknown> {
  const script = account.scripts.get(name) ?? account.makeScript(name);
  const { version, startupMilliseconds } = await script.addVersion(await upload());
  await script.deploy([{ version_id: version.id, percentage: 100 }]);
  account.scripts.set(name, script);
  return {
    id: name,
    etag: version.id,
    pipeline_hash: null,
    startup_time_ms: startupMilliseconds,
    deployment_id: version.id.replaceAll("-", ""),
  };
}

async function postVersion(request: ApiRequest): Promise<unknown> {
  const { version, startupMilliseconds } = await scriptOf(request).addVersion(await request.upload());
  return { ...versionView(version), startup_time_ms: startupMilliseconds };
}

async function postDeployment(request: ApiRequest): Promise<unknown> {
  const { versions, annotations } = deploymentSchema.parse(await request.json());
  return deploymentView(await scriptOf(request).deploy(versions, annotations?.["workers/message"]));
}

async function postSubdomain(request: ApiRequest): Promise<unknown> {
  const { enabled } = workersDevSchema.parse(await request.json());
  scriptOf(request).isOnWorkersDev = enabled;
  return { enabled, previews_enabled: false };
}

async function putSchedules(request: ApiRequest): Promise<unknown> {
  const script = scriptOf(request);
  script.crons = schedulesSchema.parse(await request.json()).map(({ cron }) => cron);
  return schedulesView(script);
}

async function postNamespace({ account, json }: ApiRequest): Promise<unknown> {
  const { title } = namespaceSchema.parse(await json());
  if ([...account.namespaces.values()].includes(title)) {
    throw new CloudflareError(
      400,
      10014,
      "create namespace: 'a namespace with this account ID and title already exists'",
    );
  }
  const id = randomUUID().replaceAll("-", "");
  account.namespaces.set(id, title);
  return { id, title };
}
