import { RefusalError } from '../errors/refusal-error.js';
import type { RequestView } from './request-view.js';
import type { TokenSource } from './token-source.js';

/**
 * The access token of a request, or `undefined` when it carries none. Every source is read, so that two
 * that contradict each other are noticed; the same token in two places is one token.
 *
 * @throws {RefusalError} `INVALID_REQUEST` for a malformed carrier or for two different tokens.
 */
export function findCredential(request: RequestView, sources: readonly TokenSource[]): string | undefined {
  let token: string | undefined;
  let place = '';
  for (const source of sources) {
    for (const found of source.read(request)) {
      if (found.kind === 'malformed') throw RefusalError.of('INVALID_REQUEST', found.problem);
      if (token !== undefined && found.token !== token) {
        throw RefusalError.of('INVALID_REQUEST', `Two different tokens came, in ${place} and in ${source.place}`);
      }
      token = found.token;
      place = source.place;
    }
  }
  return token;
}
