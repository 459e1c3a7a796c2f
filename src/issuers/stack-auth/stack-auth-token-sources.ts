import {
  findBearerFault,
  fromBearer,
  readBearer,
  fromHeader,
  type Found,
  type TokenSource,
} from '../../request/token-sources.js';
import { parseJsonObject } from '../../token/json-object.js';
import { readUtf8 } from '../../token/base64url.js';

/** What the SDK puts before the tokens that it wraps up for a backend. */
const wrapping = /^(?:stackauth|hexclave)_(?<wrapped>.*)$/s;

/** A header that holds `{"accessToken": …, "refreshToken": …}` as JSON. */
function fromJsonHeader(name: string): TokenSource {
  return Object.freeze({
    place: name,
    read: (request) =>
      request
        .headers(name)
        .filter((value) => value.trim() !== '')
        .flatMap((value) => readTokens(value, name)),
  } satisfies TokenSource);
}

/** `Authorization: Bearer`, plain or with both tokens wrapped up in base64 behind `stackauth_`. */
const fromWrappedBearer: TokenSource = Object.freeze({
  place: fromBearer().place,
  parameter: Object.freeze({ in: 'header', name: 'authorization' } as const),
  covers: Object.freeze([fromBearer()]),
  read: (request) => readBearer(request.headers('authorization')).flatMap(unwrap),
  findFault: findBearerFault,
} satisfies TokenSource);

/**
 * Every way in which the SDKs and the guides hand a token to a backend, cookies aside: a browser sends those
 * by itself, so an app has to ask for them.
 */
export const stackAuthTokenSources: readonly TokenSource[] = Object.freeze([
  fromHeader('x-stack-access-token'),
  fromHeader('x-hexclave-access-token'),
  fromJsonHeader('x-stack-auth'),
  fromJsonHeader('x-hexclave-auth'),
  fromWrappedBearer,
]);

function unwrap(found: Found): readonly Found[] {
  if (found.kind !== 'token') return [found];
  const wrapped = wrapping.exec(found.token)?.groups?.['wrapped'];
  if (wrapped === undefined) return [found];
  // Here and not in findFault, which sees what was wrapped; decoding passes over all that is no base64.
  const problem = findBearerFault(found.token);
  if (problem !== undefined) return [{ kind: 'malformed', problem }];
  return readTokens(readUtf8(Buffer.from(wrapped, 'base64')) ?? '', 'Authorization: Bearer stackauth_');
}

/** The access token of the pair; none when the pair says `null`. The refresh token is not even looked at. */
function readTokens(json: string, place: string): readonly Found[] {
  // Read like a token's own parts: of two members of one name, who stands in front may have read the other one.
  const accessToken = parseJsonObject(json)?.['accessToken'];
  if (accessToken === null || accessToken === '') return [];
  return typeof accessToken === 'string'
    ? [{ kind: 'token', token: accessToken }]
    : [{ kind: 'malformed', problem: `What ${place} holds is not JSON with an "accessToken"` }];
}
