import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { startPgliteDatabase, startPostgresqlDatabase } from "./databases.ts";

// The entry of a thread that `startDatabaseThread` starts: a database behind its gateway, until it is told to end.

const urlsSchema = z.object({ ownerUrl: z.url(), workerUrl: z.url() }).optional();

if (parentPort === null) throw new Error("this is the entry of a thread");
const urls = urlsSchema.parse(workerData);
const running =
  urls === undefined
    ? await startPgliteDatabase()
    : await startPostgresqlDatabase(new URL(urls.ownerUrl), new URL(urls.workerUrl));
parentPort.postMessage(running.database);
await once(parentPort, "message");
await running.close();
parentPort.close();
