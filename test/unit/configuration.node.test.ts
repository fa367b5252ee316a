import { describe, expect, it } from "vitest";
import { configurationVariables, readConfiguration } from "../../src/config.ts";
import { ApplicationError } from "../../src/errors.ts";

const secret = "the secret of the tests, 32 characters and more";
const required = {
  BASE_URL: "http://127.0.0.1:8787",
  DATABASE_URL: "postgresql://task_worker@localhost/tasks",
  JWT_SECRET: secret,
};

function originsOf(CORS_ORIGINS: string): readonly string[] {
  return readConfiguration({ ...required, CORS_ORIGINS }).CORS_ORIGINS;
}

describe("CORS_ORIGINS", () => {
  it.each([
    "https://example.com",
    "https://example.com:8443",
    "http://127.0.0.1:5173",
    "http://[::1]:5173",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://2c127fa4-62c7-7e4f-90e5-472b45eecfdc",
    "app://obsidian.md",
    "app://-",
    "vscode-file://vscode-app",
    "capacitor://localhost",
    "tauri://localhost:1420",
  ])("takes %s", (origin) => {
    expect(originsOf(origin)).toEqual([origin]);
    expect(originsOf(` https://example.org , ${origin}`)).toEqual(["https://example.org", origin]);
  });

  it.each([
    "*",
    "null",
    "example.com",
    "https://",
    "https://example.com/",
    "https://example.com:443",
    "https://EXAMPLE.com",
    "https://*.example.com",
    "https://user@example.com",
    "https://example.com?x",
    "chrome-extension://*",
    "chrome-extension://abc/",
    "chrome-extension://abc/page.html",
    "app://",
    "app://a@b",
    "app://a#b",
    "app:obsidian",
    "APP://obsidian.md",
    "file://",
    "file:///tmp/page.html",
    "data:text/html,x",
    "javascript:alert(1)",
  ])("does not take %s, and says what it takes", (origin) => {
    const reading = () => originsOf(`https://example.org,${origin}`);

    expect(reading).toThrow(ApplicationError);
    expect(reading).toThrow(/^CORS_ORIGINS must be origins such as https:\/\/example\.com/);
  });
});

describe("a variable that does not fit", () => {
  const readingOf = (name: string) => () => readConfiguration({ ...required, [name]: "?" });
  const refused = configurationVariables.filter((name) => {
    try {
      readingOf(name)();
      return false;
    } catch {
      return true;
    }
  });

  it("is refused wherever not every text would do", () => {
    expect(configurationVariables.filter((name) => !refused.includes(name))).toEqual([
      "OPENAI_API_KEY",
      "OPENAI_MODEL",
    ]);
  });

  it.each(refused)("%s is named with what it accepts, and not taken for one that is missing", (name) => {
    expect(readingOf(name)).toThrow(new RegExp(`^${name} must `));
  });

  it.each(Object.keys(required))("%s is missing where it is not set", (name) => {
    expect(() => readConfiguration({ ...required, [name]: undefined })).toThrow(`${name} is missing`);
  });
});
