import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { RefusalReason } from '../../../src/errors/auth-error.js';
import {
  createSigningKey,
  type SigningKey,
  type TestAlgorithm,
  type TestJwk,
} from '../../../src/testing/signing-key.js';
import { signingKeyOf, TestIssuer } from '../../../src/testing/test-issuer.js';

/** The moment at which the tokens are made and are to be judged. */
export const hostileNow = new Date('2030-01-01T00:00:00Z');

/** The audience that the verifier has to ask for. */
export const hostileAudience = 'api';

/**
 * A token that must be refused, by a verifier that trusts `tools.issuer` with the audience `api`, every public-key algorithm,
 * no token type and the default tolerance of 5 s, at `hostileNow`.
 */
export interface HostileToken {
  /** Unique over all tables. */
  readonly name: string;
  /** What goes wrong where it is accepted. */
  readonly why: string;
  readonly reason: RefusalReason;
  /** What the issuer signs with. Left out: ES256. */
  readonly algorithm?: TestAlgorithm;
  readonly make: (tools: HostileTools) => string;
}

/** A token that looks odd and must be accepted all the same, by the same verifier. */
export interface HarmlessToken {
  readonly name: string;
  readonly why: string;
  readonly algorithm?: TestAlgorithm;
  readonly make: (tools: HostileTools) => string;
}

type Members = Readonly<Record<string, unknown>>;

/** A part of a token before it is encoded: members, JSON text, or bytes that are perhaps no text at all. */
export type Part = Members | string | Uint8Array;

/** What the tables make their tokens with. */
export interface HostileTools {
  readonly issuer: TestIssuer;
  readonly key: SigningKey;
  readonly privateKey: KeyObject;
  /** Seconds since 1970 of `hostileNow`. */
  readonly now: number;
  /** A token without fault. */
  readonly goodToken: string;
  /** The key of somebody else, under the `kid` of the issuer's. */
  readonly stranger: SigningKey;
  /** An EC key on another curve, and an RSA key, none of them the issuer's. */
  readonly foreign: { readonly p384: KeyObject; readonly rsa: KeyObject };
  readonly strangerJwk: TestJwk;
  /** A good header with these members changed; `undefined` takes one away. */
  header(changes?: Members): Members;
  /** Good claims with these changed; `undefined` takes one away. */
  claims(changes?: Members): Members;
  /** Encodes both parts, and signs them with the issuer's key. */
  sign(header: Part, claims: Part): string;
  /** The same with the stranger's key. */
  forge(header: Part, claims: Part): string;
  /** Signs two parts as they stand, encoded or not, with the issuer's key. */
  signEncoded(header: string, claims: string): string;
}

/** Tools over an issuer of that algorithm. Stop `tools.issuer` afterwards. */
export async function createHostileTools(algorithm: TestAlgorithm = 'ES256'): Promise<HostileTools> {
  const issuer = await TestIssuer.start({ algorithm, clock: { now: () => hostileNow } });
  const key = signingKeyOf(issuer);
  const stranger = await createSigningKey(algorithm, key.kid);
  if (key.privateKey === undefined || stranger.publicKey === undefined) {
    throw new TypeError('The tables are about public keys; HS algorithms are not for them');
  }
  const now = hostileNow.getTime() / 1000;
  const header = (changes: Members = {}): Members => ({ alg: algorithm, typ: 'JWT', kid: key.kid, ...changes });
  const claims = (changes: Members = {}): Members => ({
    iss: issuer.url,
    aud: hostileAudience,
    sub: 'alice',
    iat: now,
    exp: now + 300,
    ...changes,
  });
  const sign = (head: Part, body: Part): string => signParts(key, encode(head), encode(body));
  return {
    issuer,
    key,
    privateKey: key.privateKey,
    now,
    goodToken: sign(header(), claims()),
    stranger,
    strangerJwk: stranger.publicKey,
    foreign: {
      p384: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
      rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    },
    header,
    claims,
    sign,
    forge: (head, body) => signParts(stranger, encode(head), encode(body)),
    signEncoded: (head, body) => signParts(key, head, body),
  };
}

/** Base64url without padding of members, text or bytes. */
export function encode(part: Part): string {
  if (part instanceof Uint8Array) {
    return Buffer.from(part).toString('base64url');
  }
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url');
}

/** The three parts of a token, encoded. */
export function partsOf(token: string): [header: string, claims: string, signature: string] {
  const [header = '', claims = '', signature = ''] = token.split('.');
  return [header, claims, signature];
}

/** JSON text with one more member at the end, written as it is given: for what JSON.stringify would not write. */
export function withMember(members: Members, raw: string): string {
  return JSON.stringify(members).replace(/\}$/, `,${raw}}`);
}

function signParts(key: SigningKey, header: string, claims: string): string {
  const signature = Buffer.from(key.sign(Buffer.from(`${header}.${claims}`)));
  return `${header}.${claims}.${signature.toString('base64url')}`;
}
