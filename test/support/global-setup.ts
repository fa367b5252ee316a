import type { TestProject } from "vitest/node";
import { type DemoModel, startDemoModel } from "../../local/demo-model/server.ts";
import { startDatabaseThread, startPostgresql, type TestDatabase } from "./databases.ts";
import { findPostgresql } from "./postgresql-cluster.ts";
import { startScriptedResponses } from "./scripted-responses.ts";
import { startSentrySink } from "./sentry-sink.ts";
import { startWebhookSink } from "./webhook-sink.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The databases of this run; PostgreSQL only where its programs are installed. */
    databases: {
      readonly pglite: TestDatabase;
      readonly postgresql: TestDatabase | undefined;
      /** PostgreSQL too, for the tests of the schedule alone: it does what is due for everybody. */
      readonly schedule: TestDatabase | undefined;
    };
    /** Which of them a project of tests in workerd runs against. */
    databaseName: "pglite" | "postgresql" | "schedule";
    /** The superuser's URL to the cluster of this run, for tests that make databases of their own. */
    clusterUrl: string | undefined;
    /** The worker's URL to a database of the cluster; its password holds for all of them. */
    workerUrl: string | undefined;
    /** The stand-in for OpenAI's Responses API, for OPENAI_BASE_URL and for the tests' scripts. */
    scriptedResponsesUrl: string;
    /** What a worker needs to be answered by the demo model of `npm start`. */
    demoModel: DemoModel["variables"];
    /** The stand-in for Sentry's cloud, for SENTRY_DSN. */
    sentrySinkUrl: string;
    /** What takes the worker's mails, for MAIL_WEBHOOK_URL. */
    mailWebhookUrl: string;
  }
}

/** Starts the databases once for the whole run, and tells the projects where they are. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const programs = findPostgresql();
  if (programs === undefined && process.env.CI === "true") {
    throw new Error("PostgreSQL's programs (initdb, postgres) are not installed, and CI must not skip their tests");
  }
  const [pglite, postgresql] = await Promise.all([
    startDatabaseThread(),
    programs === undefined ? undefined : startPostgresql(programs),
  ]);
  project.provide("databases", {
    pglite: pglite.database,
    postgresql: postgresql?.database,
    schedule: postgresql?.schedule,
  });
  const responses = await startScriptedResponses();
  project.provide("scriptedResponsesUrl", responses.url);
  const demoModel = await startDemoModel();
  project.provide("demoModel", demoModel.variables);
  const sentry = await startSentrySink();
  project.provide("sentrySinkUrl", sentry.url);
  const mails = await startWebhookSink();
  project.provide("mailWebhookUrl", `${mails.url}/mails`);
  project.provide("clusterUrl", postgresql?.cluster.url().href);
  project.provide("workerUrl", postgresql?.workerUrl.href);
  return async () => {
    await mails.close();
    await sentry.close();
    await demoModel.close();
    await responses.close();
    await pglite.close();
    await postgresql?.close();
  };
}
