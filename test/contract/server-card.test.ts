import { describe, expect, it } from "vitest";
import { z } from "zod";
import { catalogSchema, serverCardSchema } from "../support/directory-schemas.ts";
import { answerOf, statelessRequest } from "../support/mcp.ts";
import { ORIGIN, Person, send } from "../support/person.ts";

const SERVER_INFO = "io.modelcontextprotocol/serverInfo";
const discoverySchema = z.object({
  supportedVersions: z.array(z.string()),
  _meta: z.object({ [SERVER_INFO]: z.looseObject({ name: z.string() }) }),
});

describe("the Server Card", () => {
  it("is found from the domain alone, and by the path of drafts", async () => {
    const catalog = await send("/.well-known/ai-catalog.json");
    expect(catalog.headers.get("Content-Type")).toBe("application/ai-catalog+json");
    const [entry, ...others] = catalogSchema.parse(await catalog.json()).entries;
    expect(entry?.url).toBe(`${ORIGIN}/mcp/server-card`);
    expect(others).toEqual([]);

    const accept = { headers: { Accept: "application/mcp-server-card+json" } };
    const card = await send(new URL(entry?.url ?? "").pathname, accept);
    expect(card.headers.get("Content-Type")).toBe("application/mcp-server-card+json");
    const text = await card.text();
    expect(await (await send("/.well-known/mcp/server-card.json")).text()).toBe(text);
    serverCardSchema.parse(JSON.parse(text));
  });

  it("says nothing else than what a client is told once it is connected", async () => {
    const card = serverCardSchema.parse(await (await send("/mcp/server-card")).json());
    const response = await statelessRequest(await Person.signUp(), "server/discover");
    const { supportedVersions, _meta } = discoverySchema.parse((await answerOf(response)).result);
    const serverInfo = _meta[SERVER_INFO];

    const { name, title, description, version, websiteUrl, icons } = card;
    expect({ title, description, version, websiteUrl, icons }).toEqual({
      title: serverInfo.title,
      description: serverInfo.description,
      version: serverInfo.version,
      websiteUrl: serverInfo.websiteUrl,
      icons: serverInfo.icons,
    });
    expect(name.endsWith(`/${serverInfo.name}`)).toBe(true);
    const [remote] = card.remotes;
    expect(remote).toMatchObject({ type: "streamable-http", url: `${ORIGIN}/mcp` });
    expect(remote?.supportedProtocolVersions).toEqual(expect.arrayContaining([...supportedVersions, "2025-11-25"]));
  });

  it("may be read by any page, and is sent again only when it has changed", async () => {
    const page = { Origin: "https://somebody-else.example" };
    const first = await send("/mcp/server-card", { headers: page });
    expect(first.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(first.headers.get("Access-Control-Expose-Headers")).toContain("ETag");
    expect(first.headers.get("Cache-Control")).toBe("public, max-age=3600");
    const tag = first.headers.get("ETag") ?? "";
    expect(tag).toMatch(/^(?:W\/)?".+"$/);
    const again = await send("/mcp/server-card", { headers: { ...page, "If-None-Match": tag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);

    const asked = await send("/mcp/server-card", {
      method: "OPTIONS",
      headers: { ...page, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match" },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get("Access-Control-Allow-Headers")).toContain("If-None-Match");
  });
});

it("the domain has an icon, where browsers and directories look for it", async () => {
  const [favicon, png] = [await send("/favicon.ico"), await send("/icon.png")];
  expect(favicon.headers.get("Content-Type")).toBe("image/png");
  expect(favicon.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
  expect(await favicon.arrayBuffer()).toEqual(await png.arrayBuffer());
});
