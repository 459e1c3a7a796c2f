import type { HarmlessToken, HostileToken } from './hostile-tools.js';

const mixedUp = 'an ID token, a logout token or a proof of the same issuer is no access token (RFC 9068 4)';

/** Tokens that a verifier which asks for the type `at+jwt` has to refuse. */
export const wrongTypes: readonly HostileToken[] = [
  {
    name: 'typ missing',
    why: mixedUp,
    reason: 'type',
    make: ({ sign, header, claims }) => sign(header({ typ: undefined }), claims()),
  },
  ...[
    'JWT',
    'jwt',
    '',
    'at',
    'at+jwt2',
    'xat+jwt',
    'at+jwt ',
    ' at+jwt',
    'at-jwt',
    'at+jwt;v=1',
    'id+jwt',
    'logout+jwt',
    'dpop+jwt',
    'application/jwt',
    'text/at+jwt',
    'xapplication/at+jwt',
    'application//at+jwt',
    'application/application/at+jwt',
    'application/',
  ].map(
    (typ): HostileToken => ({
      name: `typ ${JSON.stringify(typ)}`,
      why: mixedUp,
      reason: 'type',
      make: ({ sign, header, claims }) => sign(header({ typ }), claims()),
    }),
  ),
];

/** Tokens that the same verifier has to accept. */
export const rightTypes: readonly HarmlessToken[] = [
  'at+jwt',
  'AT+JWT',
  'At+Jwt',
  'application/at+jwt',
  'APPLICATION/AT+JWT',
  'Application/at+jwt',
].map((typ) => ({
  name: `typ ${typ}`,
  why: 'RFC 7515 4.1.9: a media type, without regard to case, and "application/" may be left out',
  make: ({ sign, header, claims }) => sign(header({ typ }), claims()),
}));

/** A type that is no text is refused whatever type is asked for. */
export const brokenTypes: readonly HostileToken[] = [1, null, true, {}, ['at+jwt']].map((typ) => ({
  name: `typ ${JSON.stringify(typ)}`,
  why: 'RFC 7515 4.1.9: a text',
  reason: 'malformed',
  make: ({ sign, header, claims }) => sign(header({ typ }), claims()),
}));
