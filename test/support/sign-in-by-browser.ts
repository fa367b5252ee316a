import { PageBrowser, type PageRequest } from "./page-browser.ts";

/** What a person types and chooses where a client asks for their tasks. */
export interface ConsentingPerson {
  readonly email: string;
  readonly password: string;
  /** What they let the client do. */
  readonly access?: "read" | "write";
}

/**
 * Does at the address that a client opens what a person does there: signs in, allows, and is led back to the client.
 *
 * @returns where the browser was led: a client that listens has been told
 * @throws Error with the page where that cannot be done, and with the client's answer where it is not content
 */
export async function signInByBrowser(
  address: string,
  { email, password, access = "write" }: ConsentingPerson,
): Promise<URL> {
  const { origin, pathname, search } = new URL(address);
  const send = (path: string, request: PageRequest) => fetch(new URL(path, origin), request);
  const browser = new PageBrowser(origin, send);
  const consent = await browser.signIn({ path: `${pathname}${search}` }, email, password);
  const { ledTo, html } = await browser.submit(consent, { action: "allow", access });
  if (ledTo === undefined) throw new Error(`the person is not led back: ${html}`);
  if (ledTo.protocol === "http:") {
    const answer = await fetch(ledTo);
    if (!answer.ok) throw new Error(`the client answers ${answer.status}: ${await answer.text()}`);
  }
  return ledTo;
}
