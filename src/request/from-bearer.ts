import type { Found, TokenSource } from './token-source.js';

// RFC 9110 §5.6.2: a character that a scheme may have.
const schemeCharacter = /[!#$%&'*+.^_`|~0-9A-Za-z-]/;
// RFC 6750 §2.1, b64token.
const bearerToken = /^[A-Za-z0-9\-._~+/]+=*$/;

const notOneToken = 'Behind "Authorization: Bearer" there is something else than one token';
const noToken = 'Behind "Authorization: Bearer" there is no token';
const nothing: readonly Found[] = Object.freeze([]);

const bearer: TokenSource = Object.freeze({
  place: 'Authorization: Bearer',
  parameter: Object.freeze({ in: 'header', name: 'authorization' } as const),
  read: (request) => readBearer(request.headers('authorization')),
  findFault: findBearerFault,
} satisfies TokenSource);

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750 §2.1). The scheme word may be in any case; another
 * scheme is no token; `Bearer` with nothing or with anything but spaces and one token behind it is a 400.
 */
export function fromBearer(): TokenSource {
  return bearer;
}

/** What the given `Authorization` values hold for the scheme Bearer. */
export function readBearer(values: readonly string[]): readonly Found[] {
  const [value] = values;
  if (value === undefined) return nothing;
  return values.length === 1 ? readValue(value) : values.flatMap(readValue);
}

/** What is wrong with the grammar of a bearer token. */
export function findBearerFault(token: string): string | undefined {
  return bearerToken.test(token) ? undefined : notOneToken;
}

/** Nearly every value is: the scheme as RFC 6750 writes it, one space, and a token without a space around it. */
function isPlain(value: string): boolean {
  return value.startsWith('Bearer ') && isVisible(value.charCodeAt(7)) && isVisible(value.charCodeAt(value.length - 1));
}

function isVisible(code: number): boolean {
  return code > 0x20 && code < 0x7f;
}

function readValue(given: string): readonly Found[] {
  if (isPlain(given)) return [{ kind: 'token', token: given.slice(7) }];
  const value = given.trim();
  if (value.slice(0, 6).toLowerCase() !== 'bearer') return nothing;
  const next = value.charAt(6);
  // RFC 9110 §11.4: the scheme, in any case, then one or more spaces.
  if (next === ' ') return [{ kind: 'token', token: value.slice(7).replace(/^ +/, '') }];
  if (next === '') return [{ kind: 'malformed', problem: noToken }];
  return schemeCharacter.test(next) ? nothing : [{ kind: 'malformed', problem: notOneToken }];
}
