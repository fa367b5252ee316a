import { excerpt } from "../../excerpt.ts";
import { describeDestination } from "./destination.ts";

const LONGEST_HOST = 255;

/** Who asks. All of it is the client's own words, but for `domain`, and is shown as text only. */
export interface AskingClient {
  /** One bounded line that hides nothing. */
  readonly name: string;
  /** The host that vouches for the name, as it publishes the client's metadata document. */
  readonly domain: string | undefined;
  /** Validated: it is one of the client's. */
  readonly redirectUri: string;
}

/** A client's name, which can be in any script and must not turn the text around it. */
export function ClientName({ client }: { readonly client: AskingClient }) {
  return <bdi>{client.name}</bdi>;
}

/** Who asks, who vouches for them, where the answer goes and, once somebody is signed in, whose tasks it is about. */
export function ClientFacts({
  client,
  account,
}: {
  readonly client: AskingClient;
  readonly account?: { readonly email: string; readonly switchUrl: string };
}) {
  const { kind, shown } = describeDestination(client.redirectUri);
  return (
    <>
      <dl class="facts">
        <div>
          <dt>App</dt>
          <dd>
            <strong>
              <ClientName client={client} />
            </strong>
            {client.domain === undefined ? (
              <span class="aside">It gives itself this name; nobody has checked it</span>
            ) : (
              <span class="aside">
                Published by <strong>{excerpt(client.domain, LONGEST_HOST)}</strong>
              </span>
            )}
          </dd>
        </div>
        <div>
          <dt>Answer goes to</dt>
          <dd>
            <strong>{excerpt(shown, LONGEST_HOST)}</strong>
            {kind !== "site" && (
              <span class="aside">{kind === "loopback" ? "A program on this device" : "An app on this device"}</span>
            )}
          </dd>
        </div>
        {account !== undefined && (
          <div>
            <dt>Account</dt>
            <dd>
              <strong>{account.email}</strong>
              <a class="aside" href={account.switchUrl}>
                Use another account
              </a>
            </dd>
          </div>
        )}
      </dl>
      {kind !== "site" && (
        <p class="notice careful">
          {kind === "loopback"
            ? "Any program on this device can ask under this name. Go on only if you have just started this yourself."
            : "Whichever app opens such links on this device gets the answer. Go on only if you have just started this yourself."}
        </p>
      )}
    </>
  );
}
