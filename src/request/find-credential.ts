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
 * The access token of a request, or `undefined` when it carries none. Every source is read, so that two
 * that contradict each other are noticed; the same token in two places is one token.
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
      credential ??= { text: token, scheme: 'Bearer', source };
    }
  }
  return credential;
}

/** The refusal (`INVALID_REQUEST`) of a token that does not keep to the grammar of the place it was found in. */
export function findCredentialFault({ text, source }: Credential): RefusalError | undefined {
  const fault = source.findFault?.(text);
  return fault === undefined ? undefined : RefusalError.of('INVALID_REQUEST', fault);
}

/**
 * Whether every JWT that passes is well formed for its place too, so that the place's grammar need only be asked about one that
 * is refused: true of Bearer, whose characters include base64url and points. A source of the app's own may ask for more.
 */
export function suitsEveryJwt({ source }: Credential): boolean {
  return source.findFault === undefined || source.findFault === findBearerFault;
}

/** @throws {RefusalError} that fault. */
export function checkCredential(credential: Credential): void {
  const fault = findCredentialFault(credential);
  if (fault !== undefined) throw fault;
}

function twoTokens(one: TokenSource, other: TokenSource): RefusalError {
  const places = one === other ? `twice in ${one.place}` : `in ${one.place} and in ${other.place}`;
  return RefusalError.of('INVALID_REQUEST', `Two different tokens came, ${places}`);
}
