const LOOPBACK_HOSTS = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Where the answer of the consent page goes. */
export interface Destination {
  /** A web site, a port of this computer on which any program may listen, or whichever app opens a scheme's links. */
  readonly kind: "site" | "loopback" | "app";
  /** The host, with its port, or the beginning of an app's link. In ASCII, so that no host looks like another. */
  readonly shown: string;
}

/** Describes a redirect URI that has been validated. */
export function describeDestination(redirectUri: string): Destination {
  const { protocol, hostname, host } = new URL(redirectUri);
  if (protocol === "http:" || protocol === "https:") {
    return { kind: LOOPBACK_HOSTS.test(hostname) ? "loopback" : "site", shown: host };
  }
  return { kind: "app", shown: host === "" ? protocol : `${protocol}//${host}` };
}
