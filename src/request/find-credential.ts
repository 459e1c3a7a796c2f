import { RefusalError } from '../errors/auth-error.js';
import { findBearerFault, type TokenSource } from './token-sources.js';
import type { RequestView } from './request-view.js';

/** A credential as a request carries it. Nothing in it has been proven. */
export interface Credential {
  /** The whole credential as text. Two credentials of one request are the same when their texts are. */
  readonly text: string;
  /** The HTTP authentication scheme that it was presented with (RFC 9110 §11.1): `Bearer`, `Basic`, `DPoP`. */
  readonly scheme: string;
  /** The place where it was found. Its `place` names it in the log. */
  readonly source: TokenSource;
}

/**
 * Finds the access token of a request; `undefined` when it has none. Every source is read, because two different tokens are
 * a contradiction. The same token in two places is one token, and a place that is no cookie counts before a cookie: what a
 * page of another origin cannot send shows that the request is not forged.
 *
 * @throws {RefusalError} `INVALID_REQUEST` for a malformed request or for two different tokens.
 */
export function findCredential(request: RequestView, sources: readonly TokenSource[]): Credential | undefined {
  let credential: Credential | undefined;
  for (const source of sources) {
    for (const found of source.read(request)) {
      if (found.kind === 'malformed') throw RefusalError.of('INVALID_REQUEST', found.problem);
      const { token } = found;
      if (credential !== undefined && credential.text !== token) throw twoTokens(credential.source, source);
      if (credential === undefined || (isCookie(credential.source) && !isCookie(source))) {
        credential = { text: token, scheme: 'Bearer', source };
      }
    }
  }
  return credential;
}

function isCookie({ cookie, parameter }: TokenSource): boolean {
  return cookie !== undefined || parameter?.in === 'cookie';
}

/** The refusal (`INVALID_REQUEST`) of a token that breaks the grammar of its place; `undefined` when it does not. */
export function findCredentialFault({ text, source }: Credential): RefusalError | undefined {
  const fault = source.findFault?.(text);
  return fault === undefined ? undefined : RefusalError.of('INVALID_REQUEST', fault);
}

/**
 * Whether every valid JWT is well formed for its place as well, so that the grammar of the place only needs checking for a
 * token that is refused. True of Bearer, whose characters include base64url and dots; an app's own source may require more.
 */
export function suitsEveryJwt({ source }: Credential): boolean {
  return source.findFault === undefined || source.findFault === findBearerFault;
}

/** @throws {RefusalError} `INVALID_REQUEST` for a token that breaks the grammar of its place. */
export function checkCredential(credential: Credential): void {
  const fault = findCredentialFault(credential);
  if (fault !== undefined) throw fault;
}

function twoTokens(one: TokenSource, other: TokenSource): RefusalError {
  const places = one === other ? `twice in ${one.place}` : `in ${one.place} and in ${other.place}`;
  return RefusalError.of('INVALID_REQUEST', `Two different tokens came, ${places}`);
}
