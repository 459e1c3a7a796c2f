import { RefusalError } from '../errors/auth-error.js';
import { findBearerFault, type TokenSource } from './token-sources.js';
import type { RequestView } from './request-view.js';

/** A credential that was found in a request and is not verified yet. */
export interface Credential {
  /** The whole credential. Two credentials of one request are the same when their texts are equal. */
  readonly text: string;
  /** The HTTP authentication scheme that it was presented with (RFC 9110 §11.1): `Bearer`, `Basic`, `DPoP`. */
  readonly scheme: string;
  /** The place where it was found. Its `place` names it in the log. */
  readonly source: TokenSource;
}

/**
 * Finds the access token of a request; `undefined` when it has none. Every source is read, because a request with two
 * different tokens is refused. When a cookie and another place carry the same token, the other place becomes its
 * `source`, and the page's origin is not checked: a page of another origin can cause a cookie to be sent, but it cannot
 * set a header.
 *
 * @throws {RefusalError} `INVALID_REQUEST` for a malformed request or for two different tokens.
 */
export function findCredential(request: RequestView, sources: readonly TokenSource[]): Credential | undefined {
  let credential: Credential | undefined;
  for (const source of sources) {
    const { alternatives } = source;
    credential =
      alternatives === undefined
        ? readSource(request, source, credential)
        : readFirst(request, alternatives, credential);
  }
  return credential;
}

/** Reads the first source that has a token. The credential has this source, whose rules apply to it. */
function readFirst(
  request: RequestView,
  alternatives: readonly TokenSource[],
  before: Credential | undefined,
): Credential | undefined {
  const first = alternatives.find((source) => source.read(request).length > 0);
  return first === undefined ? before : readSource(request, first, before);
}

function readSource(request: RequestView, source: TokenSource, before: Credential | undefined): Credential | undefined {
  let credential = before;
  for (const found of source.read(request)) {
    if (found.kind === 'malformed') throw RefusalError.of('INVALID_REQUEST', found.problem);
    const { token } = found;
    if (credential !== undefined && credential.text !== token) throw twoTokens(credential.source, source);
    if (credential === undefined || (isCookie(credential.source) && !isCookie(source))) {
      credential = { text: token, scheme: 'Bearer', source };
    }
  }
  return credential;
}

function isCookie({ cookie, parameter }: TokenSource): boolean {
  return cookie !== undefined || parameter?.in === 'cookie';
}

/**
 * The refusal (`INVALID_REQUEST`) of a token that violates the grammar of its place; `undefined` for a well-formed
 * token.
 */
export function findCredentialFault({ text, source }: Credential): RefusalError | undefined {
  const fault = source.findFault?.(text);
  return fault === undefined ? undefined : RefusalError.of('INVALID_REQUEST', fault);
}

/**
 * Whether every valid JWT satisfies the grammar of the place where it was found, so that the grammar needs to be
 * checked only for refused tokens. It does for Bearer, whose grammar includes base64url and dots; a source of the app
 * may require more.
 */
export function acceptsEveryJwt({ source }: Credential): boolean {
  return source.findFault === undefined || source.findFault === findBearerFault;
}

/** @throws {RefusalError} `INVALID_REQUEST` for a token that violates the grammar of its place. */
export function checkCredential(credential: Credential): void {
  const fault = findCredentialFault(credential);
  if (fault !== undefined) throw fault;
}

function twoTokens(one: TokenSource, other: TokenSource): RefusalError {
  const places = one === other ? `both in ${one.place}` : `in ${one.place} and in ${other.place}`;
  return RefusalError.of(
    'INVALID_REQUEST',
    `The request carries two different tokens, ${places}. Send one; where clients send both, state which counts: tokenFrom: firstOf(…)`,
  );
}
