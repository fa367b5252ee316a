import { beforeAll, describe, expect, it } from "vitest";
import { ask, ConsentBrowser } from "../support/consent.ts";
import { problemOf, send } from "../support/person.ts";
import { setVariables } from "../support/variables.ts";

const PROOF = "v=MCPv1; k=ed25519; p=abc+/9=";
const TOKEN = "a-token_of.ChatGPT's";
const links = { PRIVACY_URL: "https://example.com/privacy?a=1&b=2", TERMS_URL: "https://example.com/terms" };

const json = async (path: string) => (await send(path)).json();

describe("an operator who has set nothing", () => {
  it.each([
    ["/.well-known/mcp-registry-auth", "The operator of this server has set no MCP_REGISTRY_AUTH."],
    ["/.well-known/openai-apps-challenge", "The operator of this server has set no OPENAI_APPS_CHALLENGE."],
  ])("proves nothing at %s", async (path, detail) => {
    const response = await send(path);
    expect(response.status).toBe(404);
    expect((await problemOf(response)).detail).toBe(detail);
  });

  it("leads to no policies, on no page and in no metadata", async () => {
    const { html } = await new ConsentBrowser().open((await ask()).path);
    expect(html).toContain("Sign in");
    expect(html).not.toContain("<footer>");
    for (const path of ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/mcp"]) {
      expect(JSON.stringify(await json(path))).not.toMatch(/policy|tos/);
    }
  });
});

describe("an operator who is to be listed", () => {
  beforeAll(() => setVariables({ ...links, MCP_REGISTRY_AUTH: PROOF, OPENAI_APPS_CHALLENGE: TOKEN }));

  it.each([
    ["/.well-known/mcp-registry-auth", PROOF],
    ["/.well-known/openai-apps-challenge", TOKEN],
  ])("proves at %s whose the domain is, with that alone", async (path, proof) => {
    const response = await send(path, { headers: { Accept: "text/plain", "User-Agent": "mcp-registry/1.0" } });
    expect([response.status, await response.text()]).toEqual([200, proof]);
    expect(response.headers.get("Content-Type")).toMatch(/^text\/plain/i);
  });

  it("leads people to the policies from each page, and clients by the metadata", async () => {
    const browser = new ConsentBrowser();
    const asked = await ask();
    const pages = [await browser.open(asked.path), await browser.open(`${asked.path}&prompt=create`)];
    pages.push(await browser.open("/authorize"), await browser.open("/account/forgotten-password"));
    for (const { html } of pages) {
      expect(html).toContain(
        `<a href="https://example.com/privacy?a=1&amp;b=2" target="_blank" rel="noreferrer">Privacy</a>`,
      );
      expect(html).toContain(`<a href="${links.TERMS_URL}" target="_blank" rel="noreferrer">Terms</a>`);
    }
    const server = await json("/.well-known/oauth-authorization-server");
    expect(server).toMatchObject({ op_policy_uri: links.PRIVACY_URL, op_tos_uri: links.TERMS_URL });
    const resource = await json("/.well-known/oauth-protected-resource/mcp");
    expect(resource).toMatchObject({ resource_policy_uri: links.PRIVACY_URL, resource_tos_uri: links.TERMS_URL });
  });
});
