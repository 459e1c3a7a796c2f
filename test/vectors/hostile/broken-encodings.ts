import { encode, type HostileToken, type HostileTools, partsOf } from './hostile-tools.js';

type Place = 'header' | 'claims' | 'signature';
type Change = (part: string) => string;

const places: readonly Place[] = ['header', 'claims', 'signature'];
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Lengths that a part can have, modulo 4; the signature of ES256 always leaves 2. */
type Remainder = 0 | 2 | 3;

interface Writing {
  readonly name: string;
  readonly change: Change;
  /** The length that the part needs to have, so that the change is to the encoding and to nothing else. */
  readonly remainder?: Remainder;
  /** What has to be in the part, so that there is something to change. */
  readonly needs?: RegExp;
}

/**
 * Ways to write the same bytes that RFC 7515 2 does not allow, and that a lenient decoder takes. Each would give one token
 * a second text, past a cache, a denylist or a log that goes by the text.
 */
const writings: readonly Writing[] = [
  { name: 'two characters of padding', change: (part) => `${part}==`, remainder: 2 },
  { name: 'one character of padding', change: (part) => `${part}=`, remainder: 3 },
  { name: 'padding that is not due', change: (part) => `${part}=`, remainder: 0 },
  { name: 'plus for minus', change: (part) => part.replaceAll('-', '+'), needs: /-/ },
  { name: 'slash for underscore', change: (part) => part.replaceAll('_', '/'), needs: /_/ },
  { name: 'stray bits in the last of two characters', change: withStrayBit, remainder: 2 },
  { name: 'stray bits in the last of three characters', change: withStrayBit, remainder: 3 },
  { name: 'one character too many', change: (part) => `${part}A`, remainder: 0 },
  { name: 'a blank behind', change: (part) => `${part} ` },
  { name: 'a blank before', change: (part) => ` ${part}` },
  { name: 'a line break inside', change: (part) => inside(part, '\n') },
  { name: 'a CRLF inside', change: (part) => inside(part, '\r\n') },
  { name: 'a tab inside', change: (part) => inside(part, '\t') },
  { name: 'a line break behind', change: (part) => `${part}\n` },
  { name: 'a NUL behind', change: (part) => `${part}\0` },
  { name: 'a character of no alphabet inside', change: (part) => inside(part, '!') },
  { name: 'a Kelvin sign inside', change: (part) => inside(part, '\u212a') },
  { name: 'a zero-width space inside', change: (part) => inside(part, '\u200b') },
  {
    name: 'its first character percent-encoded',
    change: (part) => `%${part.charCodeAt(0).toString(16)}${part.slice(1)}`,
  },
];

function inside(part: string, text: string): string {
  return `${part.slice(0, 8)}${text}${part.slice(8)}`;
}

/** The last character carries bits that belong to no byte, and they are not zero. */
function withStrayBit(part: string): string {
  return `${part.slice(0, -1)}${alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1)}`;
}

/** A good token whose part is such that the change shows. */
function tokenFor(tools: HostileTools, place: Place, { remainder, needs }: Writing): string {
  for (let length = 0; length < 200; length += 1) {
    // These characters make "-" and "_" at one of the three places that they can have.
    const filler = { pad: `${'x'.repeat(length)}???>>>` };
    const token = tools.sign(
      tools.header(place === 'header' ? filler : {}),
      tools.claims(place === 'header' ? {} : filler),
    );
    const part = partsOf(token)[places.indexOf(place)] ?? '';
    if ((remainder === undefined || part.length % 4 === remainder) && (needs === undefined || needs.test(part))) {
      return token;
    }
  }
  throw new Error(`No ${place} to write with ${String(needs ?? remainder)}`);
}

function rewritten(tools: HostileTools, place: Place, writing: Writing): string {
  const [header, claims, signature] = partsOf(tokenFor(tools, place, writing));
  switch (place) {
    // Signed anew over the odd text: the encoding is to be the only thing that is wrong.
    case 'header':
      return tools.signEncoded(writing.change(header), claims);
    case 'claims':
      return tools.signEncoded(header, writing.change(claims));
    case 'signature':
      return `${header}.${claims}.${writing.change(signature)}`;
  }
}

const rewrittenParts: readonly HostileToken[] = places.flatMap((place) =>
  writings
    .filter(({ remainder }) => place !== 'signature' || remainder === undefined || remainder === 2)
    .map(
      (writing): HostileToken => ({
        name: `${place} with ${writing.name}`,
        why: 'base64url is canonical or refused: one token has one text',
        reason: 'malformed',
        make: (tools) => rewritten(tools, place, writing),
      }),
    ),
);

function misshapen(name: string, why: string, make: (tools: HostileTools) => string): HostileToken {
  return { name, why, reason: 'malformed', make };
}

const shape = 'RFC 7515 7.1: three parts and two points, nothing before, between or behind';

const misshapenTokens: readonly HostileToken[] = [
  ...['', '.', '..', '...', 'opaque', 'a.b', 'a.b.c', ' ', '\0', '{}', 'null', 'undefined'].map((text) =>
    misshapen(`the text ${JSON.stringify(text)}`, shape, () => text),
  ),
  misshapen('the header alone', shape, ({ goodToken }) => partsOf(goodToken)[0]),
  misshapen('header and claims, no second point', shape, ({ goodToken }) => partsOf(goodToken).slice(0, 2).join('.')),
  misshapen('a fourth part', shape, ({ goodToken }) => `${goodToken}.AAAA`),
  misshapen('a point behind', shape, ({ goodToken }) => `${goodToken}.`),
  misshapen('a point before', shape, ({ goodToken }) => `.${goodToken}`),
  misshapen('an empty header', shape, ({ signEncoded, goodToken }) => signEncoded('', partsOf(goodToken)[1])),
  misshapen('empty claims', 'detached content (RFC 7515 F) is no JWT', ({ signEncoded, goodToken }) =>
    signEncoded(partsOf(goodToken)[0], ''),
  ),
  ...(['ES256', 'RS256', 'EdDSA'] as const).map(
    (algorithm): HostileToken => ({
      ...misshapen(`${algorithm}: an empty signature`, 'what announces a signature has to bring one', ({ goodToken }) =>
        partsOf(goodToken).slice(0, 2).concat('').join('.'),
      ),
      algorithm,
    }),
  ),
  misshapen('five parts, a JWE', 'an encrypted token is for somebody who has the key', ({ claims }) => {
    const header = encode({ alg: 'RSA-OAEP-256', enc: 'A256GCM', typ: 'JWT' });
    return [header, encode('key'), encode('vector'), encode(claims()), encode('tag')].join('.');
  }),
  misshapen('the good token in five parts', shape, ({ goodToken }) => `${goodToken}.AAAA.AAAA`),
  misshapen('the good token in six parts', shape, ({ goodToken }) => `${goodToken}.AAAA.AAAA.AAAA`),
  misshapen('full-width points', 'only the ASCII point divides', ({ goodToken }) =>
    goodToken.replaceAll('.', '\uff0e'),
  ),
  misshapen('the scheme in front', 'the scheme belongs to the header field', ({ goodToken }) => `Bearer ${goodToken}`),
  misshapen('in quotes', shape, ({ goodToken }) => `"${goodToken}"`),
  misshapen(
    'twice, with a comma',
    'two header fields that a proxy has joined',
    ({ goodToken }) => `${goodToken}, ${goodToken}`,
  ),
  misshapen('twice, with a blank', shape, ({ goodToken }) => `${goodToken} ${goodToken}`),
  misshapen('with a BOM', shape, ({ goodToken }) => `\ufeff${goodToken}`),
  misshapen('the flattened JSON form', 'RFC 7515 7.2.2 is no JWT', ({ goodToken }) => {
    const [header, payload, signature] = partsOf(goodToken);
    return JSON.stringify({ protected: header, payload, signature });
  }),
];

const kibibyte = 1024;

const oversizedTokens: readonly HostileToken[] = [
  misshapen('claims beyond 16 KiB', 'no issuer sends so much, so it need not be parsed', ({ sign, header, claims }) =>
    sign(header(), claims({ pad: 'x'.repeat(16 * kibibyte) })),
  ),
  misshapen('a header beyond 16 KiB', 'no issuer sends so much, so it need not be parsed', ({ sign, header, claims }) =>
    sign(header({ pad: 'x'.repeat(16 * kibibyte) }), claims()),
  ),
  misshapen('a signature beyond 16 KiB', 'a signature has a length', ({ goodToken }) =>
    partsOf(goodToken)
      .slice(0, 2)
      .concat('A'.repeat(16 * kibibyte))
      .join('.'),
  ),
  misshapen('a mebibyte of one letter', 'the length comes first, before anything is decoded', () =>
    'a'.repeat(1024 * kibibyte),
  ),
  misshapen('a mebibyte of points', 'taking apart must not make a million parts', () => '.'.repeat(1024 * kibibyte)),
];

/** Tokens that are written or put together in a way that RFC 7515 does not allow. */
export const brokenEncodings: readonly HostileToken[] = [...rewrittenParts, ...misshapenTokens, ...oversizedTokens];
