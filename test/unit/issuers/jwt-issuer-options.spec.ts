import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { jwtIssuer, type JwtIssuerOptions } from '../../../src/issuers/jwt-issuer.js';
import { configurationErrorOf } from '../../support/outcome.js';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicKey = ec.publicKey.export({ format: 'jwk' });
const privateKey = ec.privateKey.export({ format: 'jwk' });

function pem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

type Options = Record<string, unknown>;

function faultOf(options: Options): { readonly path: string; readonly message: string } {
  const given = { issuer: 'me', audience: 'api', ...options } as unknown as JwtIssuerOptions;
  return configurationErrorOf(() => jwtIssuer(given));
}

describe('keys that are not given in exactly one way', () => {
  const ways: Readonly<Record<string, unknown>> = {
    jwksUri: 'https://issuer.example/jwks',
    publicKey,
    jwks: { keys: [publicKey] },
    secret: 's'.repeat(64),
  };
  const names = Object.keys(ways);
  const pairs = names.flatMap((one, at) => names.slice(at + 1).map((other) => [one, other] as const));

  it.each(pairs)('%s and %s', (one, other) => {
    expect(faultOf({ [one]: ways[one], [other]: ways[other] })).toMatchObject({
      path: 'jwtIssuer',
      message: 'jwtIssuer: keys are given in 2 ways. Write exactly one of jwksUri, publicKey, jwks, secret.',
    });
  });

  it('all four, and none', () => {
    expect(faultOf(ways).message).toContain('keys are given in 4 ways');
    expect(faultOf({}).message).toBe(
      'jwtIssuer: there are no keys. Write exactly one of jwksUri, publicKey, jwks, secret.',
    );
    expect(faultOf({ secret: undefined, jwksUri: undefined }).message).toContain('there are no keys');
  });
});

describe('a private key in place of a public one', () => {
  const passphrase = 'correct horse';
  const cases: readonly (readonly [string, Options])[] = [
    ['PKCS 8', { publicKey: ec.privateKey.export({ type: 'pkcs8', format: 'pem' }) }],
    ['SEC 1', { publicKey: ec.privateKey.export({ type: 'sec1', format: 'pem' }) }],
    [
      'PKCS 8, encrypted',
      { publicKey: ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }) },
    ],
    ['a JWK', { publicKey: privateKey }],
    ['a JWK in a key set', { jwks: { keys: [publicKey, privateKey] } }],
  ];

  it.each(cases)('is refused, and not repeated: %s', (_, options) => {
    const { path, message } = faultOf(options);

    expect(path).toBe(`jwtIssuer({ ${Object.keys(options).join()} })`);
    expect(message).toContain('that is a private key. Write the public one');
    expect(message).not.toContain(privateKey.d);
  });
});

describe('a public key that cannot verify', () => {
  const unusable: readonly (readonly [string, unknown])[] = [
    ['RSA with 1024 bits', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
    ['RSA for PSS alone', pem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey)],
    ['DSA', pem(generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }).publicKey)],
    ['X25519', pem(generateKeyPairSync('x25519').publicKey)],
    ['Ed448', pem(generateKeyPairSync('ed448').publicKey)],
    ['secp256k1', pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
    ['brainpoolP256r1', pem(generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }).publicKey)],
    ['a JWK of kty oct', { kty: 'oct', k: Buffer.alloc(64).toString('base64url') }],
    ['a JWK for encryption', { ...publicKey, use: 'enc' }],
    ['a JWK with an alg of another kind', { ...publicKey, alg: 'RS256' }],
    ['a JWK with alg HS256', { ...publicKey, alg: 'HS256' }],
    ['a JWK whose point is not on its curve', { ...publicKey, x: publicKey.y, y: publicKey.x }],
    ['an empty JWK', {}],
    ['a number', 7],
    ['null', null],
    ['a list', [publicKey]],
  ];

  it.each(unusable)('is refused: %s', (_, key) => {
    const { path, message } = faultOf({ publicKey: key });

    expect(path).toBe('jwtIssuer({ publicKey })');
    expect(message).toMatch(/: the key cannot be used: .+\. Write the public key that signs tokens\.$/);
  });

  it.each(['', 'hello', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'])(
    'is refused as no PEM: %j',
    (key) => {
      expect(faultOf({ publicKey: key }).message).toMatch(/it is not a key in PEM form\. It starts with -----BEGIN/);
    },
  );

  it.each([
    ['no keys', { keys: [] }],
    ['a secret', { keys: [{ kty: 'oct', k: Buffer.alloc(64).toString('base64url') }] }],
    ['keys for encryption', { keys: [{ ...publicKey, use: 'enc' }] }],
    ['nothing', {}],
    ['a list', [publicKey]],
    ['a text', 'https://issuer.example/jwks'],
    ['null', null],
    ['something else under keys', { keys: publicKey }],
  ])('is refused in a key set with %s', (_, jwks) => {
    expect(faultOf({ jwks })).toMatchObject({
      path: 'jwtIssuer({ jwks })',
      message: 'jwtIssuer({ jwks }): it holds no key that verifies tokens. Write { keys: [ … ] } with public keys.',
    });
  });
});

describe('a secret that is none', () => {
  it.each([['', 31, 1].map((length) => 's'.repeat(Number(length)))].flat())('is refused as too short: %j', (secret) => {
    const { path, message } = faultOf({ secret });

    expect(path).toBe('jwtIssuer({ secret })');
    expect(message).toMatch(/it is shorter than the hash\. HS256 needs 32 bytes, HS384 48, HS512 64/);
    expect(faultOf({ secret: Buffer.from(secret) }).path).toBe('jwtIssuer({ secret })');
  });

  it.each([7, null, {}, [], true, { length: 64 }])('is refused: %j', (secret) => {
    expect(faultOf({ secret }).message).toMatch(/a text or bytes are expected/);
  });

  it.each([
    [64, ['RS256']],
    [64, ['none']],
  ])('of %d bytes does not go with %j', (length, algorithms) => {
    const { path, message } = faultOf({ secret: 's'.repeat(length), algorithms });

    expect(path).toBe('jwtIssuer({ algorithms })');
    expect(message).toMatch(/Out of HS256/);
    expect(message).not.toContain('sss');
  });

  it.each([
    [32, ['HS384'], 'it has 32 bytes, and HS384 needs 48'],
    [32, ['HS256', 'HS512'], 'it has 32 bytes, and HS512 needs 64'],
    [48, ['HS512'], 'it has 48 bytes, and HS512 needs 64'],
  ])('of %d bytes is blamed itself where it is too short for %j', (length, algorithms, problem) => {
    const { path, message } = faultOf({ secret: 's'.repeat(length), algorithms });

    expect(path).toBe('jwtIssuer({ secret })');
    expect(message).toContain(problem);
    expect(message).not.toContain('sss');
  });
});

describe('a PEM out of a variable', () => {
  const text = pem(ec.publicKey);
  const base64 = text.split('\n').slice(1, -2).join('');

  it.each([
    ['with literal \\n', text.replaceAll('\n', '\\n')],
    ['with literal \\r\\n', text.replaceAll('\n', '\\r\\n')],
  ])('is read %s', (_, publicKeyText) => {
    const given = { issuer: 'me', audience: 'api', publicKey: publicKeyText };

    expect(jwtIssuer(given).issuers[0]?.terms.algorithms).toEqual(new Set(['ES256']));
  });

  it.each([
    ['in quotes', `"${text.replaceAll('\n', '\\n')}"`, 'it stands in quotes. Write it without the quotes'],
    ['in single quotes', `'${text}'`, 'it stands in quotes'],
    [
      'on one line',
      text.replaceAll('\n', ''),
      'its line breaks are missing. Keep the line breaks, or write them as \\n',
    ],
    ['on one line with blanks', text.replaceAll('\n', ' '), 'its line breaks are missing'],
    ['as bare base64', base64, 'it is the base64 of one, as Keycloak shows it. Write -----BEGIN PUBLIC KEY-----'],
  ])('is described where it stands %s', (_, publicKeyText, problem) => {
    const { message } = faultOf({ publicKey: publicKeyText });

    expect(message).toContain(`it is not a key in PEM form: ${problem}`);
    expect(message).not.toContain(base64.slice(0, 20));
  });
});

describe('algorithms that do not go with the keys', () => {
  it.each<[string, Options, string]>([
    ['HS256 with a public key', { publicKey, algorithms: ['HS256'] }, 'Out of ES256;'],
    ['RS256 with an EC key', { publicKey, algorithms: ['RS256'] }, 'Out of ES256;'],
    ['HS256 with a key set', { jwks: { keys: [publicKey] }, algorithms: ['ES256', 'HS256'] }, 'Out of ES256;'],
    ['HS256 with a key server', { jwksUri: 'https://issuer.example/jwks', algorithms: ['HS256'] }, 'Out of RS256'],
  ])('%s', (_, options, fix) => {
    const { path, message } = faultOf(options);

    expect(path).toBe('jwtIssuer({ algorithms })');
    expect(message).toContain(fix);
  });
});

describe('the address of a key server', () => {
  it.each([
    ['http://issuer.example/jwks', 'http is only allowed on this machine'],
    ['http://127.0.0.1.example.com/jwks', 'http is only allowed on this machine'],
    ['ftp://issuer.example/jwks', 'https is expected'],
    ['file:///etc/jwks', 'https is expected'],
    ['/jwks', 'not an absolute address'],
    ['https://user:secret@issuer.example/jwks', 'must not contain a user name'],
    ['https://issuer.example/jwks#key', 'must not contain a fragment'],
    [7, 'a text or a list of texts is expected'],
  ])('%s is refused', (jwksUri, problem) => {
    const { path, message } = faultOf({ jwksUri });

    expect(path).toBe('jwtIssuer({ jwksUri })');
    expect(message).toContain(problem);
    expect(message).not.toContain('secret');
  });
});
