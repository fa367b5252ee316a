/** Whose request this is, as its bearer token says it. */
export interface Caller {
  readonly userId: number;
  /** The token's `jti`, by which it can be signed out. */
  readonly tokenId: string;
  readonly tokenIssuedAt: Date;
  readonly tokenExpiresAt: Date;
  /** What the token is limited to (RFC 6749 section 3.3); one of our own sign-in is limited to nothing. */
  readonly scopes: readonly string[];
}
