import type { RefusalReason } from '../../../src/errors/auth-error.js';
import { hostileAudience, type HostileToken, type HostileTools, withMember } from './hostile-tools.js';

type Members = Readonly<Record<string, unknown>>;

function claim(
  name: string,
  reason: RefusalReason,
  why: string,
  change: (tools: HostileTools) => Members,
): HostileToken {
  return { name, reason, why, make: (tools) => tools.sign(tools.header(), tools.claims(change(tools))) };
}

/** A number as it is written in the token, for those that JSON.stringify would not write. */
function rawNumber(name: 'exp' | 'nbf' | 'iat', raw: string): HostileToken {
  return {
    name: `${name} ${raw}`,
    reason: 'claim',
    why: 'a number that is no date; as Infinity it would never end',
    make: (tools) => tools.sign(tools.header(), withMember(tools.claims({ [name]: undefined }), `"${name}":${raw}`)),
  };
}

const noNumbers: readonly unknown[] = ['1893456300', 'soon', '', null, true, false, [], [1_893_456_300], {}];

const wrongDates: readonly HostileToken[] = (['exp', 'nbf', 'iat'] as const).flatMap((name) => [
  ...noNumbers.map((value) =>
    claim(`${name} ${JSON.stringify(value)}`, 'claim', 'RFC 7519 2: a NumericDate is a JSON number', () => ({
      [name]: value,
    })),
  ),
  ...['1e400', '-1e400', '1e300', '-1e300'].map((raw) => rawNumber(name, raw)),
]);

const wrongTimes: readonly HostileToken[] = [
  claim('exp missing', 'claim', 'a token that never ends', () => ({ exp: undefined })),
  claim('exp a minute ago', 'expired', 'RFC 7519 4.1.4', ({ now }) => ({ exp: now - 60 })),
  claim('exp 5 s ago', 'expired', 'on its last second, tolerance included, it is over', ({ now }) => ({
    exp: now - 5,
  })),
  claim('exp 0', 'expired', 'zero is a date, and not "no date"', () => ({ exp: 0 })),
  claim('exp -0', 'expired', 'zero again', () => ({ exp: -0 })),
  claim('exp -1', 'expired', 'a date before 1970', () => ({ exp: -1 })),
  claim('exp with the tail of a second', 'expired', 'fractions count', ({ now }) => ({ exp: now - 5.001 })),
  claim('nbf in a minute', 'not_yet_valid', 'RFC 7519 4.1.5', ({ now }) => ({ nbf: now + 60 })),
  claim('nbf in 6 s', 'not_yet_valid', 'the tolerance is 5 s', ({ now }) => ({ nbf: now + 6 })),
  claim('nbf in milliseconds', 'not_yet_valid', 'seconds, not milliseconds', ({ now }) => ({ nbf: now * 1000 })),
  claim('iat in a minute', 'not_yet_valid', 'signed in the future: a clock is wrong or somebody lies', ({ now }) => ({
    iat: now + 60,
  })),
  claim('iat in 6 s', 'not_yet_valid', 'the tolerance is 5 s', ({ now }) => ({ iat: now + 6 })),
];

const issuerAsGiven = 'the issuer is compared as it is given, to the last character';

const wrongIssuers: readonly HostileToken[] = [
  claim('iss missing', 'issuer', 'without it nobody knows whose keys to take', () => ({ iss: undefined })),
  ...['', ' ', 'https://attacker.example', '__proto__', 'constructor'].map((iss) =>
    claim(`iss ${JSON.stringify(iss)}`, 'issuer', 'not an issuer that is trusted', () => ({ iss })),
  ),
  ...[null, 1, true, {}, []].map((iss) =>
    claim(`iss ${JSON.stringify(iss)}`, 'issuer', 'RFC 7519 4.1.1: a text', () => ({ iss })),
  ),
  claim('iss in a list', 'issuer', 'a list of one text is a text to careless code', ({ issuer }) => ({
    iss: [issuer.url],
  })),
  claim('iss as an object', 'issuer', 'not its text either', ({ issuer }) => ({ iss: { toString: issuer.url } })),
  claim('iss with a slash behind', 'issuer', issuerAsGiven, ({ issuer }) => ({ iss: `${issuer.url}/` })),
  claim('iss with a blank behind', 'issuer', issuerAsGiven, ({ issuer }) => ({ iss: `${issuer.url} ` })),
  claim('iss with a NUL behind', 'issuer', issuerAsGiven, ({ issuer }) => ({ iss: `${issuer.url}\0` })),
  claim('iss with a path behind', 'issuer', issuerAsGiven, ({ issuer }) => ({ iss: `${issuer.url}/other` })),
  claim('iss in upper case', 'issuer', issuerAsGiven, ({ issuer }) => ({ iss: issuer.url.toUpperCase() })),
  claim('iss cut short', 'issuer', issuerAsGiven, ({ issuer }) => ({ iss: issuer.url.slice(0, -1) })),
  claim('iss with a longer host', 'issuer', issuerAsGiven, ({ issuer }) => ({ iss: `${issuer.url}.attacker.example` })),
  claim('iss as the user name of another host', 'issuer', issuerAsGiven, ({ issuer }) => ({
    iss: `${issuer.url}@attacker.example`,
  })),
  claim('iss by another name of the host', 'issuer', 'not resolved, not normalised', ({ issuer }) => ({
    iss: issuer.url.replace('127.0.0.1', 'localhost'),
  })),
  claim('iss of a trusted issuer behind another', 'issuer', issuerAsGiven, ({ issuer }) => ({
    iss: `https://attacker.example/${issuer.url}`,
  })),
];

const otherApi = 'a token for another API, which its holder could send on to this one';

const wrongAudiences: readonly HostileToken[] = [
  claim('aud missing', 'audience', 'a token without an audience is not for this app', () => ({ aud: undefined })),
  ...[
    'other',
    '',
    [],
    ['other'],
    ['other', 'another'],
    'API',
    'Api',
    'api ',
    ' api',
    'ap',
    'api2',
    'api/',
    'api\0',
    'api other',
    'api,other',
    'a\u0440i',
    '*',
  ].map((aud) => claim(`aud ${JSON.stringify(aud)}`, 'audience', otherApi, () => ({ aud }))),
  ...[
    null,
    1,
    true,
    {},
    { api: true },
    { 0: hostileAudience, length: 1 },
    [hostileAudience, 1],
    [null, hostileAudience],
    [hostileAudience, {}],
    [[hostileAudience]],
  ].map((aud) =>
    claim(
      `aud ${JSON.stringify(aud)}`,
      'audience',
      'RFC 7519 4.1.3: a text or a list of texts, and nothing else',
      () => ({ aud }),
    ),
  ),
];

const wrongSubjects: readonly HostileToken[] = [
  claim('sub missing', 'claim', 'a token without a user', () => ({ sub: undefined })),
  ...['', null, 0, 1, true, [], ['alice'], {}, { id: 'alice' }].map((sub) =>
    claim(`sub ${JSON.stringify(sub)}`, 'claim', 'RFC 7519 4.1.2: a text; and an empty one names no user', () => ({
      sub,
    })),
  ),
];

const emptyClaims: HostileToken = {
  name: 'no claims at all',
  reason: 'issuer',
  why: 'nothing is taken for granted',
  make: (tools) => tools.sign(tools.header(), {}),
};

/** Well-signed, well-formed tokens that are over, not yet begun, or somebody else's. */
export const wrongClaims: readonly HostileToken[] = [
  ...wrongDates,
  ...wrongTimes,
  ...wrongIssuers,
  ...wrongAudiences,
  ...wrongSubjects,
  emptyClaims,
];
