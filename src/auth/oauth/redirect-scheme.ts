/**
 * Schemes of which browsers or systems have a notion of their own: no app can be called back by one, and what such an address
 * says some show, run or call. An app takes a scheme of its own, best one with a period, of a domain that it has (RFC 8252
 * section 7.1). Cursor and VS Code have one without, so whatever is not reserved is let in.
 */
const RESERVED = new RegExp(
  `^(?:${[
    // Of Fetch and HTML, and of browsers' own pages and extensions.
    "about|blob|data|file|filesystem|ftp|jar|javascript|mhtml|moz-icon|resource|vbscript|view-source|wss?",
    "android-app|brave|chrome(?:-.*)?|devtools|edge|firefox(?:-.*)?|googlechromes?|intent|microsoft-edge(?:-.*)?|moz-extension",
    "opera(?:-.*)?|safari-web-extension|touch-https?|vivaldi|x-safari-.*",
    // HTML's "safelisted schemes" and their prefix: any site may take one.
    "bitcoin|ftps|geo|im|ircs?|magnet|mailto|matrix|mms|news|nntp|openpgp4fpr|sftp|sip|sms|smsto|ssh|tel|urn|webcal|wtai|xmpp",
    "web\\+.*",
    // Of systems and what comes with them.
    "afp|callto|cid|facetime.*|feed|git|gopher|hcp|itms.*|ldaps?|market|mid|mk|ms-.*|nfs|rdp|res|rtsp|search-ms|shell|sips",
    "smb|svn|telnet|vnc|x-apple.*",
  ].join("|")}):`,
  "i",
);

/** Whether a redirect URI has a scheme by which an app may be called back; of https and http the OAuth library judges. */
export function hasCallableScheme(redirectUri: string): boolean {
  return !RESERVED.test(redirectUri.trim());
}
