/** The most KiB that the worker's bundle may have once it is compressed by gzip, as Cloudflare counts it. */
export const LARGEST_BUNDLE_KIB = 300;
