import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import type {} from "./test/support/global-setup.ts";
import { TEST_LIMIT } from "./test/support/patience.ts";
import { findPostgresql } from "./test/support/postgresql-cluster.ts";
import { keepRuntimeLog } from "./test/support/runtime-log.ts";

const JWT_SECRET = "the secret of the tests, 32 characters and more";
const BETTER_AUTH_SECRET = "the secret that a site of the tests shares";
const TOKEN_SECRET = "the secret of the tests for tokens that last";

// wrangler would warn of secrets that it cannot see here; the tests have their own.
process.env.WRANGLER_LOG = "error";
// The tests run npm, wrangler and the server over and over: from the second time on Node has them compiled.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/node");
keepRuntimeLog("test-results/workerd.log");

/**
 * Tests of what is SQL for the most part run on both databases, all others once: on PostgreSQL where it is installed. Where
 * two meet the same functions of the database, only one runs on PGlite too, which takes three times as long.
 */
const ON_BOTH = [
  "test/integration/{blocked-tasks,calls,change-log,changed-since,chat-conversations,claim-next,database,delete-account,idempotency,list-tasks,recurrence-dates,recurrence-series,subtasks,task-tools,undo,whole-log}.test.ts",
  "test/security/isolation.test.ts",
];

/**
 * Tests of the schedule, which does what is due for everybody: they have a database of their own where PostgreSQL is
 * installed, and else run when nobody else's tests do. On PGlite the smoke test of `npm start` runs each chore.
 */
const SCHEDULE = ["test/integration/schedule.test.ts"];
const NODE = ["**/node_modules/**", "test/**/*.node.test.ts"];

/** Tests in Node that start nothing, and so want the processor all the time. */
const UNITS = ["test/unit/*.node.test.ts"];

/** Tests of what Neon's driver does as it is: its settings and parsers hold for a whole process, and our database sets them. */
const DRIVER = ["test/integration/{gateway,neon-over-http}.node.test.ts"];

/**
 * What comes after all that keeps every core busy: tests that judge response times, and beside them those that wait for
 * alerts and for what comes late, and so leave a core free for the most part.
 */
const LAST = [
  "test/rehearsal/release.node.test.ts",
  "test/reliability/{broken-connections,database-away,database-health,mcp-batches}.node.test.ts",
  "test/contract/alerts.node.test.ts",
];

/** What says how long anybody waits while a crowd has a core for itself: beside nothing else. */
const CROWD = ["test/reliability/crowd.node.test.ts"];

/** After all others. */
const ALONE: TestProjectInlineConfiguration["test"] = { sequence: { groupOrder: 2 } };

/** What hangs is ended; nothing is judged by how long it takes, as the machine may be busy. */
const LIMITS = { testTimeout: TEST_LIMIT, hookTimeout: TEST_LIMIT };

/**
 * The order of files: what begins last is waited for alone, so the longest come first, and what takes moments last. Files
 * that share a worker follow one another, as a worker ends with the first file after it that cannot share it, and to start
 * one takes eight seconds of processor time; while three of the longest run, the shared ones mostly need one worker.
 */
const ORDER: readonly RegExp[] = [
  /^last .*\/test\/rehearsal\//,
  /^node .*\/test\/(rehearsal\/(deployed|faults)|reliability\/database-fault-table)\./,
  /^worker:pglite /,
  /^worker:postgresql /,
  /^worker:schedule /,
  /^node .*\/test\/(rehearsal|reliability|smoke)\//,
  /^node .*\/test\/(contract\/tokens|integration\/(due-words|paging|recipes|runbook-preflight|runbook-setup)|security\/search)\./,
  /^driver /,
  /^node /,
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project, moduleId }: TestSpecification) => {
      const index = ORDER.findIndex((pattern) => pattern.test(`${project.name} ${moduleId}`));
      return index === -1 ? ORDER.length : index;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

/** How many files run at a time: twice as many as there are cores, as all of them wait as much as they work. */
const WORKERS = 2 * Math.min(Math.max(2, availableParallelism()), 4);

const hasPostgresql = findPostgresql() !== undefined;

/** The tests in workerd, against one of the databases. */
function workerProject(
  databaseName: "pglite" | "postgresql" | "schedule",
  test: TestProjectInlineConfiguration["test"],
): TestProjectInlineConfiguration {
  const missing = databaseName !== "pglite" && !hasPostgresql;
  return {
    // Source maps of packages that name files which were not published.
    logLevel: "error",
    plugins: [
      cloudflareTest(({ inject }) => {
        const database = inject("databases")[databaseName];
        return {
          // As it is written, and not as it is bundled.
          main: "./src/worker.ts",
          wrangler: { configPath: "./wrangler.toml" },
          miniflare: {
            bindings: {
              DATABASE_URL: database?.connectionString ?? "postgresql://missing.invalid/tasks",
              NEON_FETCH_ENDPOINT: database?.fetchEndpoint ?? "http://missing.invalid/sql",
              JWT_SECRET,
              TOKEN_SECRET,
              BETTER_AUTH_SECRET,
              AUTH_JWKS_URL: "https://site.example/api/auth/jwks",
              BASE_URL: "http://127.0.0.1:8787",
              ENVIRONMENT: "development",
              LOG_LEVEL: "error",
              OPENAI_API_KEY: "the key of the tests",
              OPENAI_BASE_URL: inject("scriptedResponsesUrl"),
              AGENT_TIMEOUT: "6",
              AGENT_TOTAL_TIMEOUT: "20",
              DATABASE_TIMEOUT: "6",
              DAILY_TOKEN_BUDGET: "100000",
              MAIL_WEBHOOK_URL: inject("mailWebhookUrl"),
              MAIL_WEBHOOK_SECRET: "the mail secret of the tests, 32 characters and more",
              METRICS_TOKEN: "the-metrics-token-of-the-tests-32-characters",
            },
          },
        };
      }),
    ],
    test: {
      provide: { databaseName },
      setupFiles: ["test/support/load-handlers.ts"],
      ...LIMITS,
      // Without PostgreSQL its tests are still listed by name, as skipped: no name fits this pattern.
      ...(missing ? { testNamePattern: /(?!)/ } : {}),
      ...test,
    },
  };
}

export default defineConfig({
  test: {
    maxWorkers: WORKERS,
    sequence: { sequencer: LongestFirst },
    globalSetup: ["test/support/global-setup.ts"],
    reporters: ["default", "json"],
    silent: "passed-only",
    outputFile: { json: "test-results/report.json" },
    coverage: { provider: "istanbul", include: ["src/**/*.{ts,tsx}"], exclude: ["src/worker-configuration.d.ts"] },
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.node.test.ts"],
          exclude: ["**/node_modules/**", ...UNITS, ...DRIVER, ...LAST, ...CROWD],
          ...LIMITS,
          // A process for each file would import the same modules over and over, for a second of processor time each.
          isolate: false,
        },
      },
      { test: { name: "driver", include: DRIVER, ...LIMITS } },
      { test: { name: "unit", include: UNITS, ...LIMITS, isolate: false } },
      { test: { name: "last", include: LAST, ...LIMITS, sequence: { groupOrder: 1 } } },
      { test: { name: "crowd", include: CROWD, ...LIMITS, ...ALONE } },
      // Importing the worker takes longer than most files' tests, so their files share one. Each has users of its own.
      workerProject("pglite", {
        name: "worker:pglite",
        include: hasPostgresql ? ON_BOTH : ["test/**/*.test.ts"],
        exclude: [...NODE, ...SCHEDULE],
        isolate: false,
      }),
      workerProject("postgresql", {
        name: "worker:postgresql",
        include: ["test/**/*.test.ts"],
        exclude: [...NODE, ...SCHEDULE],
        isolate: false,
      }),
      hasPostgresql
        ? workerProject("schedule", { name: "worker:schedule", include: SCHEDULE, isolate: false })
        : workerProject("pglite", { name: "worker:schedule", include: SCHEDULE, isolate: false, ...ALONE }),
    ],
  },
});
