import { describeVariables } from "../../src/config.ts";

/** Variables that the commands read and the worker never sees. */
const OPERATOR_VARIABLES: Readonly<Record<string, string>> = {
  DATABASE_OWNER_URL:
    "Postgres as the owner, the direct endpoint: db:migrate, db:rollback, db:status, backup, restore, deploy, soak.",
  CLOUDFLARE_API_TOKEN: "What wrangler signs in with; or `npx wrangler login`.",
  CLOUDFLARE_ACCOUNT_ID: "Which account, where the token reaches several.",
  NOTIFY_WEBHOOK_URL: "Where releases and rollbacks are announced, in Slack's format.",
  NEON_API_KEY: "With NEON_PROJECT_ID: backup makes a Neon branch as well, and deletes its old ones.",
  NEON_PROJECT_ID: "The Neon project.",
  PROMETHEUS_URL: "Where Prometheus is, for monitoring.",
  DEPLOYED_BY: "Who releases, for the deployment log; git's user.name.",
};

/** `docs/configuration.md`, from the schema that the worker itself validates by. */
export function configurationDocument(): string {
  const rows = describeVariables().map(({ name, description, isSecret, isRequired, byDefault }) =>
    row([
      `\`${name}\``,
      description,
      isRequired ? "required" : byDefaultText(byDefault),
      isSecret ? "secret" : "variable",
    ]),
  );
  const operatorRows = Object.entries(OPERATOR_VARIABLES).map(([name, description]) =>
    row([`\`${name}\``, description]),
  );
  return `${[
    "# Configuration",
    "",
    "Made by `npm run docs:configuration` from src/config.ts; `npm test` fails when it is out of date.",
    "",
    "The worker validates all of it at its first request, and answers 500 naming each variable that does not fit, never its",
    "value. Variables stand in wrangler.toml for each environment; secrets are set by `npm run runbook -- setup`, or",
    "`npx wrangler secret put NAME --env production`. On your machine `.dev.vars` (see `.dev.vars.example`) has both for",
    "`wrangler dev`, and `npm start` takes them from its own environment.",
    "",
    "| name | meaning | default | set as |",
    "|---|---|---|---|",
    ...rows,
    "",
    "## For the operator's commands",
    "",
    "From the environment, or else from a file beside package.json: `.env.production`, with `--env staging` from",
    "`.env.staging`, with `--env-file` from another.",
    "",
    "| name | meaning |",
    "|---|---|",
    ...operatorRows,
  ].join("\n")}\n`;
}

function byDefaultText(value: string | undefined): string {
  return value === undefined || value === "" ? "none" : `\`${value}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
