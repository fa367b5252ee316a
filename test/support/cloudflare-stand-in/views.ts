import type { Deployment, Version, WorkerScript } from "./account.ts";
import type { Upload } from "./upload.ts";

// What Cloudflare's API says of its things, as far as wrangler reads it.

export function serviceView(script: WorkerScript) {
  return { id: script.name, default_environment: environmentView(script) };
}

export function environmentView(script: WorkerScript) {
  return {
    environment: "production",
    script: {
      id: script.name,
      tag: `tag of ${script.name}`,
      tags: [],
      last_deployed_from: "wrangler",
      ...(script.migrationTag !== undefined && { migration_tag: script.migrationTag }),
    },
  };
}

export function versionView({ id, number, createdOn, upload, migrationTag }: Version) {
  const { annotations, compatibility_date, compatibility_flags } = upload.metadata;
  return {
    id,
    number,
    metadata: { created_on: createdOn, author_email: "operator@example.com", source: "wrangler", hasPreview: false },
    annotations,
    resources: {
      script: { etag: id, handlers: handlersOf(upload), last_deployed_from: "wrangler" },
      script_runtime: {
        compatibility_date,
        compatibility_flags,
        usage_model: "standard",
        ...(migrationTag !== undefined && { migration_tag: migrationTag }),
      },
      bindings: [],
    },
  };
}

export function deploymentView({ id, createdOn, message, versions }: Deployment) {
  return {
    id,
    source: "wrangler",
    strategy: "percentage",
    author_email: "operator@example.com",
    created_on: createdOn,
    annotations: { "workers/message": message },
    versions,
  };
}

/** Of its bindings those that a version can inherit but for secrets. */
export function settingsView({ versions: [newest] }: WorkerScript) {
  const bindings = newest?.upload.metadata.bindings.filter(({ type }) => type === "kv_namespace") ?? [];
  return { bindings, annotations: {} };
}

export function schedulesView({ crons }: WorkerScript) {
  return { schedules: crons.map((cron) => ({ cron })) };
}

/** Cloudflare looks at what the main module exports; a bundle of ours has a method of the name `scheduled` for nothing else. */
function handlersOf({ modules }: Upload): string[] {
  return ["fetch", ...(modules.some(({ contents }) => /\bscheduled\s*\(/.test(contents)) ? ["scheduled"] : [])];
}

export function secretsView(script: WorkerScript) {
  return [...script.secrets.keys()].map((name) => ({ name, type: "secret_text" }));
}
