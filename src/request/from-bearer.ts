import type { Found, TokenSource } from './token-source.js';

// RFC 9110 §5.6.2: all characters that a scheme may have.
const leadingScheme = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;
// RFC 9110 §11.4, RFC 6750 §2.1: one or more spaces, then a b64token.
const bearerToken = /^ +(?<token>[A-Za-z0-9\-._~+/]+=*)$/;

const bearer: TokenSource = Object.freeze({
  place: 'Authorization: Bearer',
  read: (request) => readBearer(request.headers('authorization')),
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
  return values.flatMap((value): readonly Found[] => {
    const credentials = value.trim();
    const scheme = leadingScheme.exec(credentials)?.[0] ?? '';
    if (scheme.toLowerCase() !== 'bearer') return [];
    const token = bearerToken.exec(credentials.slice(scheme.length))?.groups?.['token'];
    return token === undefined
      ? [{ kind: 'malformed', problem: 'Behind "Authorization: Bearer" there is not exactly one token' }]
      : [{ kind: 'token', token }];
  });
}
