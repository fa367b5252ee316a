import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { createMigratedDatabase } from "../support/cluster-databases.ts";

const projectDirectory = join(import.meta.dirname, "../..");
const BASE_URL = "https://tasks.example.com";

describe.skipIf(inject("clusterUrl") === undefined)("npm run runbook -- reset-password", () => {
  let ownerUrl: string;
  let owner: pg.Client;

  beforeAll(async () => {
    const { url } = await createMigratedDatabase();
    ownerUrl = url.href;
    owner = new pg.Client({ connectionString: ownerUrl });
    await owner.connect();
    await owner.query("insert into users (email, name, password_hash) values ('Ada@Example.com', 'Ada', 'of before')");
  });

  afterAll(() => owner.end());

  const run = (...args: string[]) =>
    new Promise<{ code: unknown; out: string; errors: string }>((resolve) => {
      const command = ["ops/runbook/cli.ts", "reset-password", ...args, "--url", `${BASE_URL}/`];
      const env = { ...process.env, DATABASE_OWNER_URL: ownerUrl };
      execFile(process.execPath, command, { cwd: projectDirectory, env }, (error, out, errors) =>
        resolve({ code: error?.code ?? 0, out, errors }),
      );
    });
  const links = async () => (await owner.query("select * from account_links")).rows;

  it("prints a link once, which sets a password once, and keeps its hash", async () => {
    const { code, out, errors } = await run("ada@example.com");
    expect([code, errors]).toEqual([0, ""]);
    const printed = [...out.matchAll(/https:\/\/tasks\.example\.com\/account\/reset-password\?token=([\w-]{43})$/gm)];
    expect(printed).toHaveLength(1);
    const token = printed[0]?.[1] ?? "";
    const hash = createHash("sha256").update(token).digest("hex");
    const [kept] = await links();
    expect(kept).toMatchObject({ hash, kind: "reset_password", used_key: null });
    expect(Math.round((kept.expires_at - kept.created_at) / 60_000)).toBe(30);
    expect(JSON.stringify(kept)).not.toContain(token);

    const reset = () =>
      owner.query(
        "select email from reset_password($1, 'anew', gen_random_uuid(), now(), now() + interval '1 minute')",
        [hash],
      );
    expect((await reset()).rows).toEqual([{ email: "Ada@Example.com" }]);
    expect((await reset()).rows).toEqual([]);
  });

  it("answers with the link in its result where a program asks", async () => {
    const { code, out, errors } = await run("ada@example.com", "--json");
    expect(code).toBe(0);
    const { result } = z.object({ result: z.object({ link: z.url(), minutes: z.literal(30) }) }).parse(JSON.parse(out));
    expect(result.link).toMatch(/^https:\/\/tasks\.example\.com\/account\/reset-password\?token=[\w-]{43}$/);
    expect(errors).not.toContain("token=");
  });

  it.each([
    [["nobody@example.com"], 1, 'no account has the e-mail "nobody@example.com"\n'],
    [[], 2, "name one EMAIL, and nothing else beside options\n"],
    [["a@example.com", "b@example.com"], 2, "name one EMAIL, and nothing else beside options\n"],
    [["ada@example.com", "--bogus"], 2, "Unknown option '--bogus'\n"],
  ])("makes none for %j", async (args, code, errors) => {
    const before = await links();

    expect(await run(...args)).toMatchObject({ code, errors });
    expect(await links()).toEqual(before);
  });

  it("makes none in a dry run", async () => {
    const before = await links();
    const { code, out } = await run("ada@example.com", "--dry-run");

    expect(code).toBe(0);
    expect(out).toContain("nothing was changed");
    expect(out).not.toContain("token=");
    expect(await links()).toEqual(before);
  });
});
