import type { Found, TokenSource } from './token-source.js';

// RFC 9110 §11.4: the scheme, in any case, then one or more spaces.
const credentials = /^(?<scheme>[!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: +(?<rest>.*))?$/s;
// RFC 6750 §2.1, b64token.
const bearerToken = /^[A-Za-z0-9\-._~+/]+=*$/;

const bearer: TokenSource = Object.freeze({
  place: 'Authorization: Bearer',
  read: (request) => readBearer(request.headers('authorization')),
} satisfies TokenSource);

/**
 * The token of `Authorization: Bearer <token>` (RFC 6750 §2.1). The scheme word may be in any case; another
 * scheme is no token; `Bearer` with nothing or with anything but one token behind it is a 400.
 */
export function fromBearer(): TokenSource {
  return bearer;
}

/** What the given `Authorization` values hold for the scheme Bearer. */
export function readBearer(values: readonly string[]): readonly Found[] {
  return values.flatMap((value): readonly Found[] => {
    const { scheme, rest = '' } = credentials.exec(value.trim())?.groups ?? {};
    if (scheme?.toLowerCase() !== 'bearer') return [];
    return bearerToken.test(rest)
      ? [{ kind: 'token', token: rest }]
      : [{ kind: 'malformed', problem: 'Behind "Authorization: Bearer" there is not exactly one token' }];
  });
}
