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

/** The prefix of the tokens that the SDK wraps for a backend. */
const wrapping = /^(?:stackauth|hexclave)_(?<wrapped>.*)$/s;

/** A header that contains `{"accessToken": …, "refreshToken": …}` as JSON. */
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

/** `Authorization: Bearer`, with a plain token, or with both tokens in base64 after `stackauth_`. */
const fromWrappedBearer: TokenSource = Object.freeze({
  place: fromBearer().place,
  parameter: Object.freeze({ in: 'header', name: 'authorization' } as const),
  covers: Object.freeze([fromBearer()]),
  read: (request) => readBearer(request.headers('authorization')).flatMap(unwrap),
  findFault: findBearerFault,
} satisfies TokenSource);

/**
 * Every place where the SDKs and the guides send a token to a backend, except cookies: browsers send those by themselves, so
 * an app has to enable them.
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
  // Checked here, because findFault sees the unwrapped token, and decoding skips characters that are not base64.
  const problem = findBearerFault(found.token);
  if (problem !== undefined) return [{ kind: 'malformed', problem }];
  return readTokens(readUtf8(Buffer.from(wrapped, 'base64')) ?? '', 'Authorization: Bearer stackauth_');
}

/** The access token of the pair; none when it is `null`. The refresh token is not read. */
function readTokens(json: string, place: string): readonly Found[] {
  // Read as strictly as a token's own parts: of two members with one name, a proxy may have read the other one.
  const accessToken = parseJsonObject(json)?.['accessToken'];
  if (accessToken === null || accessToken === '') return [];
  return typeof accessToken === 'string'
    ? [{ kind: 'token', token: accessToken }]
    : [{ kind: 'malformed', problem: `What ${place} holds is not JSON with an "accessToken"` }];
}
