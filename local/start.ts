import { chmod, writeFile } from "node:fs/promises";
import { readConfiguration } from "../src/config.ts";
import { clientLines } from "./client-lines.ts";
import { openDataDirectory } from "./data-directory.ts";
import { keepDemoAccount } from "./demo-account.ts";
import { startDemoModel } from "./demo-model/server.ts";
import { keepDemoToken } from "./demo-token.ts";
import { readStartEnvironment } from "./environment.ts";
import { startGateway } from "./gateway.ts";
import { openLocalDatabase } from "./local-database.ts";
import { HOST } from "./loopback-server.ts";
import { mailLines, startMails } from "./mails.ts";
import { keepSecrets } from "./secrets.ts";
import { Shutdown } from "./shutdown.ts";
import { welcomeText } from "./welcome.ts";
import { bundleWorker } from "./worker-bundle.ts";
import { refuseTakenPort, runWorker } from "./worker-runtime.ts";

const shutdown = new Shutdown();
shutdown.endOnSignals();
try {
  await start();
} catch (error) {
  await shutdown.fail(error);
}

/** Starts everything, and registers how each part ends. */
async function start(): Promise<void> {
  const environment = readStartEnvironment(process.env);
  const { port } = environment;
  await refuseTakenPort(port);
  const data = await openDataDirectory(environment.dataDirectory);
  shutdown.atEnd(() => data.release());
  // Miniflare, wrangler and esbuild leave files behind when they are killed.
  process.env.TMPDIR = data.temporary;
  const secrets = await keepSecrets(data.secrets);
  const url = `http://${HOST}:${port}`;
  const variables = {
    JWT_SECRET: secrets.JWT_SECRET,
    TOKEN_SECRET: secrets.TOKEN_SECRET,
    METRICS_TOKEN: secrets.METRICS_TOKEN,
    ENVIRONMENT: "development",
    BASE_URL: url,
    CORS_ORIGINS: `${url},http://localhost:${port}`,
    // A machine of one's own may be offline, and a client that is told of such documents does not think of registering.
    CLIENT_DOCUMENTS: "off",
    ...environment.workerVariables,
  };
  // Checked before anything slow is done; which database it will be does not matter here.
  const configuration = readConfiguration({
    ...variables,
    DATABASE_URL: "postgresql://later.invalid/tasks",
  });

  say("Bundling the worker …");
  const bundling = bundleWorker(data.workerBundle);
  // Whatever fails first is told; the other one must not end the process.
  bundling.catch(() => undefined);
  say(
    environment.databaseUrl === undefined && environment.ownerUrl === undefined
      ? "Opening the embedded database; the first time it is made, which may take half a minute …"
      : "Opening PostgreSQL …",
  );
  const database = await openLocalDatabase(environment, data, secrets);
  shutdown.atEnd(() => database.close());
  const gateway = await startGateway(database.pool);
  shutdown.atEnd(() => gateway.close());
  // A person who sets a key means the model that it opens.
  const demoModel = environment.workerVariables.OPENAI_API_KEY === undefined ? await startDemoModel() : undefined;
  shutdown.atEnd(() => demoModel?.close());
  // A person who sets a webhook wants the mails sent.
  const mails =
    environment.workerVariables.MAIL_WEBHOOK_URL === undefined
      ? await startMails((mail) => say(`\n${mailLines(mail)}`))
      : undefined;
  shutdown.atEnd(() => mails?.close());
  const bindings = {
    ...variables,
    ...demoModel?.variables,
    ...mails?.variables,
    DATABASE_URL: gateway.connectionString,
    NEON_FETCH_ENDPOINT: gateway.fetchEndpoint,
  };
  const account = await keepDemoAccount(database.pool, secrets.DEMO_PASSWORD);
  const { token, lasts } = await keepDemoToken(database.pool, account.userId, configuration);
  const bundle = await bundling;
  say("Starting the worker …");
  const worker = await runWorker(bundle, port, bindings, data);
  shutdown.atEnd(() => worker.close());
  shutdown.endOnSignals();
  await worker.ready;

  // A file of an earlier start keeps its permissions.
  await writeFile(data.clients, `${clientLines({ url, token }).join("\n")}\n`, { mode: 0o600 });
  await chmod(data.clients, 0o600);
  const text = welcomeText({
    url,
    ...account,
    token,
    lasts,
    model: demoModel === undefined ? `${configuration.OPENAI_MODEL} at ${configuration.OPENAI_BASE_URL}` : undefined,
    database: database.description,
    dataDirectory: data.path,
    workerLog: data.workerLog,
    clientsFile: data.clients,
  });
  say(`\n${text}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
