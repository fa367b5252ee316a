/** A UUID (RFC 9562 section 4) as it is written, of the first 32 digits of a text in hex. */
export function toUuid(hex: string): string {
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
