import { logText } from '../telemetry/log-text.js';
import type { RequestView } from './request-view.js';
import type { TokenSource } from './token-sources.js';

/** The names of schemes are short; a longer text may be a credential without its scheme. */
const longestScheme = 24;

/**
 * Describes for the log a request in which no credential was found: where it was looked for, and what `Authorization` has
 * instead. The text never contains the value of a header, which may be a credential.
 *
 * @param others the names of the schemes other than `Bearer`
 */
export function describeMissing(
  request: RequestView,
  sources: readonly TokenSource[],
  others: readonly string[],
): string {
  const places = [...sources.map(({ place }) => place), ...others].join(', ');
  const looked = request.headersFrom === undefined ? places : `${places}; of ${request.headersFrom}`;
  return [`The request carries no access token. Looked in: ${looked}`, ...describeAuthorization(request)].join('. ');
}

function describeAuthorization(request: RequestView): readonly string[] {
  const [value] = request.headers('authorization');
  if (value === undefined) return [];
  const scheme = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?= )/.exec(value.trim())?.[0];
  if (scheme !== undefined && scheme.length <= longestScheme) {
    const hint = scheme.toLowerCase() === 'dpop' ? ": AuthModule.forRoot({ dpop: 'accept' }) accepts it" : '';
    return [`"Authorization" has the scheme ${logText(scheme)}, which is not accepted here${hint}`];
  }
  return ['"Authorization" has a value without the scheme in front of it: send "Authorization: Bearer <token>"'];
}
