import { encode, type HostileToken, type HostileTools, withMember } from './hostile-tools.js';

interface Text {
  readonly name: string;
  readonly make: (tools: HostileTools) => string | Uint8Array;
}

function inClaims(why: string, text: Text): HostileToken {
  return {
    name: `claims: ${text.name}`,
    why,
    reason: 'malformed',
    make: (tools) => tools.sign(tools.header(), text.make(tools)),
  };
}

function inHeader(why: string, text: Text): HostileToken {
  return {
    name: `header: ${text.name}`,
    why,
    reason: 'malformed',
    make: (tools) => tools.sign(text.make(tools), tools.claims()),
  };
}

const twice = 'RFC 7519 4: of two members of one name, who checks may see the one and who uses the other';

function doubledClaim(name: string, raw: string): HostileToken {
  return inClaims(twice, { name, make: ({ claims }) => withMember(claims(), raw) });
}

function doubledHeader(name: string, raw: string): HostileToken {
  return inHeader(twice, { name, make: ({ header }) => withMember(header(), raw) });
}

const duplicates: readonly HostileToken[] = [
  doubledClaim('sub twice', '"sub":"mallory"'),
  doubledClaim('sub twice with one value', '"sub":"alice"'),
  doubledClaim('sub three times', '"sub":"mallory","sub":"alice"'),
  doubledClaim('sub twice, once with an escaped letter', String.raw`"\u0073ub":"mallory"`),
  doubledClaim('sub twice, once all escaped', String.raw`"\u0073\u0075\u0062":"mallory"`),
  doubledClaim('exp twice', '"exp":9999999999'),
  doubledClaim('aud twice', '"aud":"other"'),
  doubledClaim('iss twice', '"iss":"https://attacker.example"'),
  doubledClaim('twice in an object', '"realm":{"role":"user","role":"admin"}'),
  doubledClaim('twice in an object within lists', '"orgs":[[{"id":1,"id":2}]]'),
  doubledClaim(
    'twice in an object, once with an escaped letter',
    String.raw`"realm":{"role":"user","r\u006fle":"admin"}`,
  ),
  doubledClaim('the empty name twice', '"":1,"":2'),
  doubledClaim('__proto__ twice', '"__proto__":{},"__proto__":{}'),
  doubledClaim('twice behind a string that looks like the end', String.raw`"a":"\\","b":"\"}","sub":"mallory"`),
  doubledClaim('twice with blanks before the colon', '"sub" \n : "mallory"'),
  doubledClaim('a name with a colon twice', '"urn:x:y":1,"urn:x:y":2'),
  inClaims(twice, {
    name: 'sub twice, the second one first',
    make: ({ claims }) => `{"sub":"mallory",${bodyOf(claims())}}`,
  }),
  doubledHeader('alg twice', '"alg":"ES256"'),
  doubledHeader('alg twice, the second one none', '"alg":"none"'),
  doubledHeader('alg twice, once with an escaped letter', String.raw`"\u0061lg":"HS256"`),
  doubledHeader('kid twice', '"kid":"other"'),
  doubledHeader('typ twice', '"typ":"at+jwt"'),
  doubledHeader('twice in an object', '"jwk":{"kty":"EC","kty":"RSA"}'),
  inHeader(twice, { name: 'alg twice, none first', make: ({ header }) => `{"alg":"none",${bodyOf(header())}}` }),
];

function bodyOf(members: object): string {
  return JSON.stringify(members).slice(1, -1);
}

const notAnObject: readonly HostileToken[] = [
  '[]',
  '[{}]',
  '"text"',
  '1',
  'null',
  'true',
  'false',
  '[["alg","ES256"]]',
].flatMap((raw) => {
  const why = 'RFC 7515 4, RFC 7519 7.2: both parts are JSON objects';
  const text: Text = { name: raw, make: () => raw };
  return [inClaims(why, text), inHeader(why, text)];
});

const notJson: readonly HostileToken[] = (
  [
    ['trailing garbage', (text) => `${text}x`],
    ['a second object behind', (text) => `${text}{}`],
    ['a NUL behind', (text) => `${text}\0`],
    ['a comma behind the last member', (text) => text.replace(/\}$/, ',}')],
    ['a comment', (text) => `${text}// good`],
    ['a comment inside', (text) => text.replace('{', '{/**/')],
    ['single quotes', (text) => text.replaceAll('"', "'")],
    ['a name without quotes', (text) => withRaw(text, 'x:1')],
    ['NaN', (text) => withRaw(text, '"x":NaN')],
    ['Infinity', (text) => withRaw(text, '"x":Infinity')],
    ['a number with a leading zero', (text) => withRaw(text, '"x":01')],
    ['a hexadecimal number', (text) => withRaw(text, '"x":0x10')],
    ['a number with a plus', (text) => withRaw(text, '"x":+1')],
    ['a line break within a string', (text) => withRaw(text, '"x":"\n"')],
    ['a control character within a string', (text) => withRaw(text, '"x":"\u0001"')],
    ['an unknown escape', (text) => withRaw(text, String.raw`"x":"\x41"`)],
    ['a half escape', (text) => withRaw(text, String.raw`"x":"\u00"`)],
    ['a missing brace', (text) => text.slice(0, -1)],
    ['a brace too many', (text) => `${text}}`],
    ['a no-break space before', (text) => `\u00a0${text}`],
    ['a form feed before', (text) => `\f${text}`],
    ['blanks alone', () => '   '],
    ['an ID in place of it', () => 'alice'],
  ] as const satisfies readonly (readonly [string, (text: string) => string])[]
).flatMap(([name, change]: readonly [string, (text: string) => string]) => {
  const why = 'RFC 8259 and nothing more lenient: parsers that differ see different tokens';
  return [
    inClaims(why, { name, make: ({ claims }) => change(JSON.stringify(claims())) }),
    inHeader(why, { name, make: ({ header }) => change(JSON.stringify(header())) }),
  ];
});

function withRaw(text: string, raw: string): string {
  return text.replace(/\}$/, `,${raw}}`);
}

/** The claims with these bytes in place of a claim's value. */
function withBytes({ claims }: HostileTools, bytes: readonly number[]): Uint8Array {
  const [before = '', behind = ''] = JSON.stringify(claims({ x: '@' })).split('@');
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(behind)]);
}

const notUtf8: readonly HostileToken[] = [
  ...(
    [
      ['a byte that UTF-8 does not have', [0xff]],
      ['a continuation byte alone', [0x80]],
      ['a sequence that breaks off', [0xe2, 0x82]],
      ['an overlong slash', [0xc0, 0xaf]],
      ['an overlong NUL', [0xc0, 0x80]],
      ['half of a surrogate pair', [0xed, 0xa0, 0x80]],
      ['a code point beyond the last', [0xf4, 0x90, 0x80, 0x80]],
      ['Latin-1', [0xe9]],
    ] as const satisfies readonly (readonly [string, readonly number[]])[]
  ).map(([name, bytes]) =>
    inClaims('bytes that decoders replace, each in its own way, make two texts of one', {
      name,
      make: (tools) => withBytes(tools, bytes),
    }),
  ),
  inClaims('RFC 8259 8.1: no byte order mark', {
    name: 'a BOM before',
    make: ({ claims }) => `\ufeff${JSON.stringify(claims())}`,
  }),
  inHeader('RFC 8259 8.1: no byte order mark', {
    name: 'a BOM before',
    make: ({ header }) => `\ufeff${JSON.stringify(header())}`,
  }),
  inClaims('RFC 7515 2: UTF-8', {
    name: 'UTF-16',
    make: ({ claims }) => Buffer.from(JSON.stringify(claims()), 'utf16le'),
  }),
];

const deep = 'a recursive reader runs out of stack, or spends its time';

const tooDeep: readonly HostileToken[] = [
  inClaims(deep, {
    name: '5,000 lists within each other',
    make: ({ claims }) => withMember(claims(), `"x":${'['.repeat(5_000)}${']'.repeat(5_000)}`),
  }),
  inClaims(deep, {
    name: '10,000 lists within each other',
    make: ({ claims }) => withMember(claims(), `"x":${'['.repeat(10_000)}${']'.repeat(10_000)}`),
  }),
  inClaims(deep, {
    name: '1,500 objects within each other',
    make: ({ claims }) => withMember(claims(), `"x":${'{"x":'.repeat(1_500)}1${'}'.repeat(1_500)}`),
  }),
  inClaims(deep, { name: '10,000 lists that are never closed', make: () => '['.repeat(10_000) }),
  inHeader(deep, {
    name: '2,000 lists within each other',
    make: ({ header }) => withMember(header(), `"x":${'['.repeat(2_000)}${']'.repeat(2_000)}`),
  }),
];

const nested: HostileToken = {
  name: 'a token within a token',
  why: 'RFC 7519 5.2: a nested JWT is signed text, and not claims',
  reason: 'malformed',
  make: (tools) => tools.signEncoded(encode(tools.header({ cty: 'JWT' })), encode(tools.goodToken)),
};

/** Well-signed tokens whose parts are not what both sides read alike. */
export const brokenJson: readonly HostileToken[] = [
  ...duplicates,
  ...notAnObject,
  ...notJson,
  ...notUtf8,
  ...tooDeep,
  nested,
];
