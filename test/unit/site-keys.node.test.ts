import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { findSiteKey } from "../../src/auth/site/key-set.ts";
import { verifySiteToken } from "../../src/auth/site/verify-site-token.ts";
import { readConfiguration } from "../../src/config.ts";
import { openDatabase } from "../../src/database/database.ts";
import { createLogger } from "../../src/observability/log.ts";

const log = createLogger("error");
const find = (kid: string) => findSiteKey(url, kid, log);
const HOUR = 60 * 60 * 1000;
const key = (kid: string) => ({ kid, kty: "OKP", crv: "Ed25519", x: "x", alg: "EdDSA" });

let url: string;
let answer: () => Promise<Response>;
let requests: { readonly url: unknown; readonly init: RequestInit | undefined }[];

beforeEach(() => {
  vi.useFakeTimers();
  url = `https://${crypto.randomUUID()}.example/api/auth/jwks`;
  answer = async () => Response.json({ keys: [key("first")] });
  requests = [];
  vi.stubGlobal("fetch", (asked: unknown, init?: RequestInit) => {
    requests.push({ url: asked, init });
    return answer();
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const unavailable = { kind: "unavailable", retryAfter: 30 };

describe("the keys of a site", () => {
  it("are asked for once an hour", async () => {
    expect(await find("first")).toEqual(key("first"));
    vi.advanceTimersByTime(HOUR - 1);
    expect(await find("first")).toEqual(key("first"));
    expect(requests).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await find("first");
    expect(requests).toHaveLength(2);
    expect(requests[0]).toMatchObject({ url, init: { redirect: "manual" } });
  });

  it("are asked for again for one that is new, every 30 seconds at most whatever tokens come", async () => {
    await find("first");
    answer = async () => Response.json({ keys: [key("first"), key("second")] });
    expect(await find("second")).toBeUndefined();
    vi.advanceTimersByTime(30_000);
    expect(await find("second")).toEqual(key("second"));
    for (const kid of ["a", "b", "c", "d"]) expect(await find(kid)).toBeUndefined();
    expect(requests).toHaveLength(2);
  });

  it("that were withdrawn count no longer after the hour", async () => {
    await find("first");
    answer = async () => Response.json({ keys: [key("second")] });
    vi.advanceTimersByTime(HOUR);

    expect(await find("first")).toBeUndefined();
  });

  it("go on for a day where the site does not answer, and no longer", async () => {
    await find("first");
    answer = async () => new Response("down", { status: 500 });
    vi.advanceTimersByTime(23 * HOUR);
    const warn = vi.spyOn(log, "warn");
    expect(await find("first")).toEqual(key("first"));
    expect(warn).toHaveBeenCalledExactlyOnceWith("site_keys_unread", { cause: "KeySetError: 500" });
    vi.advanceTimersByTime(HOUR);

    await expect(find("first")).rejects.toMatchObject(unavailable);
  });

  it("that cannot be had are not asked for again and again", async () => {
    answer = () => Promise.reject(new TypeError("no route"));
    await expect(find("first")).rejects.toMatchObject(unavailable);
    await expect(find("first")).rejects.toMatchObject(unavailable);
    expect(requests).toHaveLength(1);
    answer = async () => Response.json({ keys: [key("first")] });
    vi.advanceTimersByTime(30_000);

    expect(await find("first")).toEqual(key("first"));
  });

  it("are waited for five seconds at most", async () => {
    answer = () =>
      new Promise((_, reject) => {
        requests.at(-1)?.init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
      });
    const asking = expect(find("first")).rejects.toMatchObject(unavailable);
    await vi.advanceTimersByTimeAsync(5_000);
    await asking;
  });

  it.each<[string, () => Response]>([
    ["what is not JSON", () => new Response("<html>")],
    ["something else", () => Response.json({ keys: "none" })],
    ["too many", () => Response.json({ keys: Array.from({ length: 51 }, (_, number) => key(String(number))) })],
    ["no end of it", () => new Response(`{"keys":["${"x".repeat(70_000)}"]}`)],
    ["another address", () => new Response(null, { status: 302, headers: { Location: "http://10.0.0.1/" } })],
  ])("that are %s are none", async (_, given) => {
    answer = async () => given();

    await expect(find("first")).rejects.toMatchObject(unavailable);
  });

  it("that are broken let nobody in, and are logged", async () => {
    const warn = vi.spyOn(log, "warn");
    answer = async () => Response.json({ keys: [{ ...key("first"), x: "too short" }] });
    const configuration = readConfiguration({
      BASE_URL: "http://127.0.0.1:8787",
      DATABASE_URL: "postgresql://missing.invalid/tasks",
      JWT_SECRET: "a secret of the tests, 32 characters",
      AUTH_JWKS_URL: url,
    });
    const database = openDatabase(configuration.DATABASE_URL, undefined, 3);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const iss = new URL(url).origin;
    const signed = `${encode({ alg: "EdDSA", kid: "first" })}.${encode({ iss, aud: iss })}`;

    expect(await verifySiteToken(`${signed}.AAAA`, { configuration, database, log })).toBeUndefined();
    expect(warn).toHaveBeenCalledExactlyOnceWith("site_key_unusable", { cause: "DataError" });
  });

  it("are those that can be read, whatever stands beside them", async () => {
    answer = async () => Response.json({ keys: [{ kty: "oct" }, null, key("first")] });

    expect(await find("first")).toEqual(key("first"));
  });
});
