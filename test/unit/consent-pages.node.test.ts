import { expect, it } from "vitest";
import { accessChoices, grantedScopes, offeredChoices } from "../../src/auth/consent/access.ts";
import { ConsentPage } from "../../src/auth/consent/consent-page.tsx";
import { describeDestination } from "../../src/auth/consent/destination.ts";
import { consentLinks, promptOf } from "../../src/auth/consent/links.ts";
import { MessagePage } from "../../src/auth/consent/message-page.tsx";
import { SignInPage } from "../../src/auth/consent/sign-in-page.tsx";
import { SignUpPage } from "../../src/auth/consent/sign-up-page.tsx";
import { timeZonesWith } from "../../src/auth/consent/time-zones.ts";

const REQUEST = new URLSearchParams({
  client_id: "https://app.example/client.json",
  state: `a&b="<c>`,
  prompt: "login",
  resource: "http://127.0.0.1:8787/mcp",
});

const links = consentLinks(REQUEST, "https://app.example/back?error=access_denied&state=a");

const client = { name: "An app", domain: "app.example", redirectUri: "https://app.example/back" };

/** Every page that repeats what somebody else has written. */
function pagesWith(text: string): string[] {
  const asking = { name: text, domain: text, redirectUri: "https://app.example/back" };
  const errors = { form: text, email: text };
  const timeZone = "Europe/Berlin";
  return [
    SignInPage({ client: asking, links, email: text, errors }),
    SignUpPage({
      client: asking,
      links,
      email: text,
      timeZone,
      isOfConnection: true,
      timeZones: timeZonesWith(timeZone),
      errors,
    }),
    ConsentPage({ client: asking, links, account: { id: 1, email: text }, handle: text, choices: ["read"] }),
    MessagePage({ title: text, text, next: { label: text, url: text } }),
  ].map(String);
}

it("what others have written is text, whatever it holds", () => {
  for (const page of pagesWith(`"><script>alert(1)</script><img src=x onerror='alert(1)'>&amp;`)) {
    expect(page).not.toMatch(/<script|<img src=x|[^\w]onerror='/);
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).toContain("&amp;amp;");
  }
});

it.each([
  ["https://claude.ai/api/mcp/auth_callback", "site", "claude.ai"],
  ["https://xn--clude-1qa.ai/callback", "site", "xn--clude-1qa.ai"],
  ["https://cl\u00e4ude.ai:8443/callback", "site", "xn--clude-hra.ai:8443"],
  ["http://127.0.0.1:33418/callback", "loopback", "127.0.0.1:33418"],
  ["http://localhost/callback", "loopback", "localhost"],
  ["http://[::1]:5/callback", "loopback", "[::1]:5"],
  ["https://localhost.example.com/", "site", "localhost.example.com"],
  ["https://127.0.0.1.example.com/", "site", "127.0.0.1.example.com"],
  ["cursor://anysphere.cursor-mcp/oauth/callback", "app", "cursor://anysphere.cursor-mcp"],
  ["com.example.app:/oauth", "app", "com.example.app:"],
])("the answer for %s goes to a %s, shown as %s", (redirectUri, kind, shown) => {
  expect(describeDestination(redirectUri)).toEqual({ kind, shown });
});

it("says that any program of the device may be asking, where the answer goes to one", () => {
  const warning = /class="notice careful"/;
  for (const redirectUri of ["http://127.0.0.1:1/callback", "cursor://mcp/callback"]) {
    expect(String(SignInPage({ client: { ...client, redirectUri }, links }))).toMatch(warning);
  }
  expect(String(SignInPage({ client, links }))).not.toMatch(warning);
});

it("says who vouches for a name, or that nobody does", () => {
  const unknown = String(SignInPage({ client: { ...client, domain: undefined }, links }));
  expect(unknown).toContain("nobody has checked it");
  expect(unknown).not.toContain("Published by");
  const known = String(SignInPage({ client, links }));
  expect(known).toContain("Published by <strong>app.example</strong>");
  expect(known).not.toContain("nobody has checked it");
});

it.each([
  { asked: ["tasks:read"], offered: ["read"], write: ["tasks:read"] },
  { asked: ["tasks:read", "tasks:write"], offered: ["write", "read"], write: ["tasks:read", "tasks:write"] },
] as const)("a client that asks for $asked may be given $offered", ({ asked, offered, write }) => {
  expect(offeredChoices(asked)).toEqual(offered);
  expect(grantedScopes("write", asked)).toEqual(write);
  expect(grantedScopes("read", asked)).toEqual(["tasks:read"]);
  for (const choice of offered) expect(accessChoices).toContain(choice);
});

it("every link and form carries the client's request, and says which page it leads to", () => {
  const parametersOf = (link: string) => new URL(link, "https://tasks.example").searchParams;
  for (const [link, prompt] of [
    [links.form, null],
    [links.signIn, "login"],
    [links.signUp, "create"],
  ] as const) {
    const parameters = parametersOf(link);
    expect(parameters.get("prompt")).toBe(prompt);
    for (const name of ["client_id", "state", "resource"]) expect(parameters.get(name)).toBe(REQUEST.get(name));
  }
  expect(links.denial).toBe("https://app.example/back?error=access_denied&state=a");
});

it.each([
  ["", undefined],
  ["prompt=consent", undefined],
  ["prompt=create", "sign up"],
  ["prompt=login", "sign in"],
  ["prompt=select_account+consent", "sign in"],
] as const)("a request with %j asks for the page %s", (query, page) => {
  expect(promptOf(new URLSearchParams(query))).toBe(page);
});

it("a time zone stands in the list whatever name it goes by", () => {
  expect(timeZonesWith("Europe/Berlin")).toEqual(timeZonesWith("UTC"));
  const [first, ...rest] = timeZonesWith("Asia/Kathmandu_of_old");
  expect(first).toBe("Asia/Kathmandu_of_old");
  expect(rest).toEqual(timeZonesWith("UTC"));
});
