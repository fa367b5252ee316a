import {
  Client as ModernClient,
  type OAuthClientProvider as ModernProvider,
  StreamableHTTPClientTransport as ModernTransport,
  UnauthorizedError as ModernUnauthorizedError,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from "@modelcontextprotocol/client";
import { type OAuthClientProvider, UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { OAuthClientInformationMixed, OAuthTokens } from "@modelcontextprotocol/sdk/shared/auth.js";
import type { ClientBrowser } from "../support/client-browser.ts";
import { clientInfo, type ToolClient, toolsOf } from "./open-client.ts";

// The two SDKs leave to the application where its tokens are kept and how a person is sent to the browser. These keep all in
// memory, and are called back by a scheme of their own, as an app is.

const metadata = {
  client_name: "An application of the SDK",
  redirect_uris: ["com.example.tasks:/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};

/** Keeps what one login makes, and waits for the person. */
class Login {
  readonly redirectUrl = metadata.redirect_uris[0] ?? "";
  readonly clientMetadata = metadata;
  readonly #browser: ClientBrowser;
  #verifier = "";
  #callback: URL | undefined;

  constructor(browser: ClientBrowser) {
    this.#browser = browser;
  }

  async redirectToAuthorization(address: URL): Promise<void> {
    this.#callback = await this.#browser.open(address.href);
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  /** What the browser brought back. */
  answer(): URLSearchParams {
    if (this.#callback === undefined) throw new Error("the person was sent nowhere");
    return this.#callback.searchParams;
  }
}

class SdkLogin extends Login implements OAuthClientProvider {
  #client: OAuthClientInformationMixed | undefined;
  #tokens: OAuthTokens | undefined;

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client;
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }
}

class ModernLogin extends Login implements ModernProvider {
  #client: StoredOAuthClientInformation | undefined;
  #tokens: StoredOAuthTokens | undefined;

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#client = client;
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#tokens = tokens;
  }
}

/** Signs in with the SDK of version 1. */
export async function signInSdk(url: string, browser: ClientBrowser): Promise<ToolClient> {
  const login = new SdkLogin(browser);
  const newTransport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: login });
  const asking = newTransport();
  await new Client(clientInfo).connect(asking).then(
    () => Promise.reject(new Error("nobody was asked")),
    (error: unknown) => expectError(error, UnauthorizedError),
  );
  await asking.finishAuth(login.answer().get("code") ?? "");
  const client = new Client(clientInfo);
  await client.connect(newTransport());
  return { ...toolsOf(client), close: () => client.close() };
}

/** Signs in with the SDK of version 2. */
export async function signInModernSdk(
  url: string,
  browser: ClientBrowser,
  options: ConstructorParameters<typeof ModernClient>[1],
): Promise<ToolClient> {
  const login = new ModernLogin(browser);
  const newTransport = () => new ModernTransport(new URL(url), { authProvider: login });
  const asking = newTransport();
  await new ModernClient(clientInfo, options).connect(asking).then(
    () => Promise.reject(new Error("nobody was asked")),
    (error: unknown) => expectError(error, ModernUnauthorizedError),
  );
  await asking.finishAuth(login.answer());
  const client = new ModernClient(clientInfo, options);
  await client.connect(newTransport());
  return { ...toolsOf(client), close: () => client.close() };
}

function expectError(error: unknown, kind: new () => Error): void {
  if (!(error instanceof kind)) throw error;
}
