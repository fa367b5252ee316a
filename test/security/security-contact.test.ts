import { expect, it, onTestFinished } from "vitest";
import { ORIGIN, problemOf, send } from "../support/person.ts";
import { setVariables } from "../support/variables.ts";

const PATH = "/.well-known/security.txt";

it("says that nobody is named", async () => {
  const response = await send(PATH);

  expect(response.status).toBe(404);
  expect((await problemOf(response)).detail).toBe("The operator of this server has named no contact for security.");
});

it("says whom to tell, for the next weeks (RFC 9116)", async () => {
  onTestFinished(await setVariables({ SECURITY_CONTACT: "mailto:security@example.com" }));
  const response = await send(PATH);
  const [contact, expires, ...rest] = (await response.text()).split("\n");

  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toMatch(/^text\/plain; charset=utf-8$/i);
  expect(contact).toBe("Contact: mailto:security@example.com");
  const [, moment = ""] = /^Expires: (\S+)$/.exec(expires ?? "") ?? [];
  expect(Date.parse(moment) - Date.now()).toBeGreaterThan(7 * 24 * 60 * 60 * 1000);
  expect(rest).toEqual([`Canonical: ${ORIGIN}${PATH}`, ""]);
});
