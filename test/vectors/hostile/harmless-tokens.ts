import { type HarmlessToken, hostileAudience, type HostileTools, withMember } from './hostile-tools.js';
import { harmlessEcdsaSignatures } from './odd-ecdsa-signatures.js';

type Members = Readonly<Record<string, unknown>>;

function withClaims(name: string, why: string, change: (tools: HostileTools) => Members): HarmlessToken {
  return { name, why, make: (tools) => tools.sign(tools.header(), tools.claims(change(tools))) };
}

function withHeader(name: string, why: string, change: (tools: HostileTools) => Members): HarmlessToken {
  return { name, why, make: (tools) => tools.sign(tools.header(change(tools)), tools.claims()) };
}

function rawClaim(name: string, why: string, raw: string): HarmlessToken {
  return { name: `claims: ${name}`, why, make: (tools) => tools.sign(tools.header(), withMember(tools.claims(), raw)) };
}

function rawHeader(name: string, why: string, raw: string): HarmlessToken {
  return { name: `header: ${name}`, why, make: (tools) => tools.sign(withMember(tools.header(), raw), tools.claims()) };
}

const polluting = 'a name like any other, that must not reach into the class of the object';

/** Names that mean something to objects in JavaScript. */
const polluters: readonly HarmlessToken[] = [
  ['__proto__', '"__proto__":{"polluted":true}'],
  ['__proto__ deeper down', '"a":{"__proto__":{"polluted":true}}'],
  ['constructor', '"constructor":{"prototype":{"polluted":true}}'],
  ['toString, valueOf and hasOwnProperty', '"toString":1,"valueOf":2,"hasOwnProperty":3'],
  ['toJSON and then', '"toJSON":"x","then":"y"'],
].flatMap(([name = '', raw = '']) => [rawClaim(name, polluting, raw), rawHeader(name, polluting, raw)]);

const writing = 'RFC 8259 allows it, and it names nothing twice';

const oddJson: readonly HarmlessToken[] = [
  rawClaim(
    'colons, quotes and braces within strings',
    writing,
    String.raw`"a:b":"c:d","\"x\":":"{\"y\":1}","\\":"\\\\:"`,
  ),
  rawClaim('one name at two depths', writing, '"a":{"sub":"mallory"},"b":[{"sub":"x"},{"sub":"y"}]'),
  rawClaim('an escaped letter', writing, String.raw`"\u0072ole":"user"`),
  rawClaim('names that differ by case', writing, '"SUB":"mallory","Exp":0'),
  rawClaim('the empty name', writing, '"":1'),
  rawClaim('blanks and line breaks', writing, ' \r\n\t"x" : [ 1 , 2 ] \n'),
  rawClaim('twenty lists within each other', writing, `"x":${'['.repeat(20)}${']'.repeat(20)}`),
  rawClaim('text from outside ASCII', writing, '"name":"J\u00fcrgen \ud83d\ude80"'),
  rawHeader('a member that is not registered', 'RFC 7515 4: not understood means not looked at', '"x-trace":{"id":1}'),
];

const oddTimes: readonly HarmlessToken[] = [
  withClaims('exp 4 s ago', 'within the tolerance of 5 s', ({ now }) => ({ exp: now - 4 })),
  withClaims('nbf in 5 s', 'within the tolerance of 5 s', ({ now }) => ({ nbf: now + 5 })),
  withClaims('iat in 5 s', 'within the tolerance of 5 s', ({ now }) => ({ iat: now + 5 })),
  withClaims('no iat', 'it is checked when it is there', () => ({ iat: undefined })),
  withClaims('exp with a fraction', 'RFC 7519 2: NumericDate may have one', ({ now }) => ({ exp: now + 0.5 })),
  withClaims('exp in a thousand years', 'far, and a date', ({ now }) => ({ exp: now + 31_536_000_000 })),
  {
    name: 'exp with an exponent',
    why: 'a JSON number in another dress',
    make: (tools) => tools.sign(tools.header(), withMember(tools.claims({ exp: undefined }), '"exp":1.8934563e9')),
  },
];

const oddHeaders: readonly HarmlessToken[] = [
  withHeader('no kid', 'the issuer has one key, so there is nothing to choose', () => ({ kid: undefined })),
  withHeader('no typ', 'no type is asked for', () => ({ typ: undefined })),
  withHeader('a typ that is not required', 'no type is asked for', () => ({ typ: 'at+jwt' })),
  withHeader('jku and x5u', 'not followed, and no reason to refuse a good signature', () => ({
    jku: 'http://127.0.0.1:9/keys',
    x5u: 'http://127.0.0.1:9/chain',
  })),
  withHeader('the jwk of a stranger', 'not used, and no reason to refuse a good signature', ({ strangerJwk }) => ({
    jwk: strangerJwk,
  })),
  {
    ...withHeader('alg Ed25519', 'RFC 9864: another name of EdDSA with this curve', () => ({ alg: 'Ed25519' })),
    algorithm: 'EdDSA',
  },
];

const others: readonly HarmlessToken[] = [
  withClaims('aud in a list', 'RFC 7519 4.1.3', () => ({ aud: [hostileAudience] })),
  withClaims('aud among others', 'RFC 7519 4.1.3', () => ({ aud: ['other', hostileAudience, 'third'] })),
  withClaims('sub of one blank', 'a text that is not empty', () => ({ sub: ' ' })),
  withClaims('10 KiB of claims', 'large, and not too large', () => ({
    groups: Array.from({ length: 1_000 }, (_, at) => `g-${String(at)}`),
  })),
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const).map(
    (algorithm): HarmlessToken => ({
      name: `a plain good token, ${algorithm}`,
      why: 'else the refusals of the other tables would prove nothing',
      algorithm,
      make: ({ goodToken }) => goodToken,
    }),
  ),
];

/** Tokens that look like attacks, or odd, and have to be accepted. */
export const harmlessTokens: readonly HarmlessToken[] = [
  ...polluters,
  ...oddJson,
  ...oddTimes,
  ...oddHeaders,
  ...others,
  ...harmlessEcdsaSignatures,
];
