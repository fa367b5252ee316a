import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { configurationDocument } from "../../ops/documents/configuration-document.ts";
import { commands } from "../../ops/runbook/commands.ts";
import { monitoringChecks } from "../../ops/runbook/monitoring/monitoring-command.ts";
import { personSteps } from "../../ops/runbook/preflight/person-steps.ts";
import { preflightChecks } from "../../ops/runbook/preflight/preflight-command.ts";
import { smokeChecks } from "../../ops/runbook/smoke/smoke.ts";
import { configurationVariables, describeVariables } from "../../src/config.ts";

const projectDirectory = join(import.meta.dirname, "../..");
const read = (path: string) => readFile(join(projectDirectory, path), "utf8");

/** The cells of each row of a document's tables, code as it is. */
function rowsOf(document: string): string[][] {
  return document
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\|[-| ]+\|$/.test(line))
    .map((line) =>
      line
        .slice(2, -2)
        .split(/ (?<!\\)\| /)
        .map((cell) =>
          cell
            .trim()
            .replaceAll("\\|", "|")
            .replace(/^(`+) ?(.*?) ?\1$/, "$2"),
        ),
    );
}

describe("docs/runbook.md", async () => {
  const rows = rowsOf(await read("docs/runbook.md"));

  it("has every line of the source runbook, in its order", async () => {
    const source = (await read("docs/source-runbook.md"))
      .split("\n")
      // Headings, fences, rules and the frames of tables say nothing that could be made true.
      .filter((line) => line.trim() !== "" && !/^(#{2,4} |# Deployment Checklist|```|---$|\|[-|]+\|$)/.test(line))
      .map((line) => line.trim());
    const lines = rows.filter(([line]) => line !== "line of the source runbook").map(([line]) => line);

    expect(source.length).toBeGreaterThan(270);
    expect(lines.slice(lines.indexOf(source[0]))).toEqual(source);
  });

  it("says of each line which command or which person makes it true", () => {
    const known = /npm |npx |person: |docs\/troubleshooting\.md|nothing to do/;
    for (const [line = "", by = ""] of rows.slice(rows.findIndex(([cell]) => cell?.startsWith("**Feature**")))) {
      if (line !== "line of the source runbook") expect(by, line).toMatch(known);
    }
  });

  it("follows the errors in the logs as docs/troubleshooting.md does", async () => {
    // A filter by how an invocation ended shows none of the errors that the worker has caught.
    const [follow = ""] =
      /^npx wrangler tail .* select\(\.event == "error"\)'$/m.exec(await read("docs/troubleshooting.md")) ?? [];
    const followed = rows.filter(([, by = ""]) =>
      by.replaceAll("\\|", "|").includes("wrangler tail --env production --"),
    );
    expect(followed.map(([line]) => line)).toEqual([
      "# 3. Application crash - check logs for errors",
      "# Check application logs",
      "docker logs mcp-server | grep ERROR",
    ]);
    for (const [, by] of followed) expect(by).toContain(follow);
  });

  it("has setup generate only what it can", () => {
    const generated = rows.filter(
      ([line = "", by = ""]) => line.includes("generated (min") && by.includes("runbook -- setup"),
    );
    expect(generated.map(([line = ""]) => /`(\w+)`/.exec(line)?.[1])).toEqual(
      describeVariables().flatMap(({ name }) => (["JWT_SECRET", "BETTER_AUTH_SECRET"].includes(name) ? [name] : [])),
    );
  });

  it("names only commands and checks that there are", () => {
    for (const [line = "", by = ""] of rows) {
      for (const [, command = ""] of by.matchAll(/npm run runbook -- (\w+)/g)) {
        expect(Object.keys(commands), line).toContain(command);
      }
      const checks = new Set<string>([
        ...preflightChecks,
        ...smokeChecks,
        ...monitoringChecks,
        ...Object.keys(personSteps),
      ]);
      for (const [, list = ""] of by.matchAll(/checks? ((?:"[^"]+"(?:, | and )?)+)/g)) {
        for (const [, check = ""] of list.matchAll(/"([^"]+)"/g)) expect([...checks], line).toContain(check);
      }
    }
  });
});

describe("docs/acceptance.md", async () => {
  const scenarios = rowsOf(await read("docs/acceptance.md")).slice(1);

  it.each(scenarios)("%s", async (_, test) => {
    const [, path = "", name = ""] = /^(\S+): (.+)$/.exec(test ?? "") ?? [];
    expect(await read(path)).toContain(name);
  });
});

it("docs/troubleshooting.md gives commands that run as they stand: a rollback has its reason", async () => {
  for (const [command] of (await read("docs/troubleshooting.md")).matchAll(/npm run runbook -- rollback[^`\n]*/g)) {
    expect(command).toContain("--reason ");
  }
});

it("docs/configuration.md is what src/config.ts says; npm run docs:configuration makes it", async () => {
  expect(await read("docs/configuration.md")).toBe(configurationDocument());
});

const documents = (await readdir(join(projectDirectory, "docs"))).filter((name) => name.endsWith(".md"));
const pages = ["README.md", "CODEBASE.md", ...documents.map((name) => `docs/${name}`)];

it.each(pages)("%s has words in every heading, and leads past no command of the runbook", async (page) => {
  const text = await read(page);
  expect(text.match(/^#+ *$/m)).toBeNull();
  // The runbook's own verifies, tells the team and leaves an incident file.
  expect(text).not.toContain("npx wrangler rollback");
});

describe("links", async () => {
  it("of docs/index.md lead to every document", async () => {
    const index = await read("docs/index.md");
    for (const name of documents) if (name !== "index.md") expect(index).toContain(`(${name})`);
  });

  it.each(pages)("of %s lead somewhere, also those to a heading", async (page) => {
    for (const [, path = "", heading] of (await read(page)).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const target = path === "" ? page : join(dirname(page), path);
      await expect(access(join(projectDirectory, target)), `${page} → ${target}`).resolves.toBe(undefined);
      if (heading !== undefined) expect(anchorsOf(await read(target)), `${page} → ${target}`).toContain(heading);
    }
  });
});

/** The names that GitHub gives to a document's headings. */
function anchorsOf(document: string): string[] {
  return [...document.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe(".dev.vars.example", async () => {
  const example = new Map(
    [...(await read(".dev.vars.example")).matchAll(/^(?:# )?([A-Z_]+)="(.*)"$/gm)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );

  it("lists every variable", () => {
    expect([...example.keys()].sort()).toEqual([...configurationVariables].sort());
  });

  it.each(describeVariables().filter(({ byDefault }) => /^\d+$/.test(byDefault ?? "")))(
    "shows the default of $name",
    ({ name, byDefault }) => {
      expect(example.get(name)).toBe(byDefault);
    },
  );
});

it("preflight asks the operator for every guide that the runbook wants reviewed", async () => {
  const guides = rowsOf(await read("docs/runbook.md")).flatMap(([line = "", by = ""]) =>
    line.endsWith("guide reviewed") ? (/docs\/\w+\.md/.exec(by) ?? []) : [],
  );
  expect(guides).toHaveLength(4);
  for (const guide of guides) expect(personSteps["documentation read"]).toContain(guide);
});

it("docs/clients.md tells the versions that are installed", async () => {
  const versionsSchema = z.object({
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()).default({}),
  });
  const manifests = await Promise.all(["package.json", "test/clients/package.json"].map(read));
  const [ours, theirs] = manifests.map((manifest) => versionsSchema.parse(JSON.parse(manifest)));
  const installed = { ...ours?.devDependencies, ...theirs?.dependencies };
  const told = [...(await read("docs/clients.md")).matchAll(/^\| `([^`]+)` +\| (\d\S*) /gm)];
  expect(told.length).toBeGreaterThanOrEqual(5);
  for (const [, name = "", version] of told) expect(installed[name], name).toBe(version);
});

it("docs/security.md names only tests that there are", async () => {
  const paths = [...(await read("docs/security.md")).matchAll(/test\/[\w/.-]+\.ts/g)].map(([path]) => path);
  expect(paths.length).toBeGreaterThan(10);
  for (const path of paths) await expect(read(path), path).resolves.toBeTypeOf("string");
});

it("docs/monitoring.md tells of every event that is logged, and of no other", async () => {
  const logged =
    /(?:\.(?:debug|info|warn|error)|\]|#write)\((?:"info", )?(?:[^"(),]*\? )?"([a-z_]+)"(?: : "([a-z_]+)")?/g;
  const files = (await readdir(join(projectDirectory, "src"), { recursive: true })).filter((name) =>
    /\.ts$/.test(name),
  );
  const sources = await Promise.all(files.map((name) => read(`src/${name}`)));
  const events = sources.flatMap((source) => [...source.matchAll(logged)].flatMap(([, ...names]) => names));
  const rows = rowsOf(/\n\| event .*?\n\n/s.exec(await read("docs/monitoring.md"))?.[0] ?? "").slice(1);
  const told = rows.flatMap(([names = ""]) => names.match(/[a-z_]+/g) ?? []);

  expect(told.sort()).toEqual([...new Set(events.filter((event) => event !== undefined))].sort());
});

it("CODEBASE.md follows a request through functions that there are", async () => {
  const [, way = ""] = /^## The way of a request(.*?)^## /ms.exec(await read("CODEBASE.md")) ?? [];
  const names = new Set([...way.matchAll(/`(?:\w+\.)?([a-z]+(?:[A-Z_]\w+)?|[A-Z]\w+)`/g)].map(([, name = ""]) => name));
  expect(names.size).toBeGreaterThan(25);
  const files = (await readdir(join(projectDirectory, "src"), { recursive: true })).filter((name) =>
    name.endsWith(".ts"),
  );
  const source = (await Promise.all(files.map((name) => read(`src/${name}`)))).join("\n");
  const isDeclared = (name: string) =>
    new RegExp(`(?:function\\*?|class|const|async\\*?) ${name}\\b|(?:select |sql\\W)${name}\\(`).test(source);
  expect([...names].filter((name) => !isDeclared(name))).toEqual([]);
});

it("docs/architecture.svg shows folders that there are, and every Durable Object", async () => {
  const picture = await read("docs/architecture.svg");
  const folders = [...picture.matchAll(/class="name"[^>]*>([a-z]+)\//g)].map(([, name = ""]) => name);
  expect(folders.sort()).toEqual(["chat", "database", "http", "mcp", "tasks", "tools"]);
  for (const folder of folders) await expect(access(join(projectDirectory, "src", folder))).resolves.toBe(undefined);
  const classes = [...(await read("wrangler.toml")).matchAll(/^class_name = "(\w+)"$/gm)].map(([, name = ""]) => name);
  const shown = [...picture.matchAll(/class="object".*?<text[^>]*>(\w+)</gs)].map(([, name = ""]) => name);
  expect(shown.sort()).toEqual([...new Set(classes)].sort());
});
