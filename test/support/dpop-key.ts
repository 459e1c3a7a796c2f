/** A client's key for DPoP, and the proofs that it signs. Written without the code under test. */
import { createHash, generateKeyPairSync, type JsonWebKey, type KeyObject, randomUUID, sign } from 'node:crypto';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

export interface ProofParts {
  readonly method?: string;
  readonly url: string;
  /** The access token that the proof goes with. */
  readonly token?: string | undefined;
  readonly nonce?: string | undefined;
  readonly jti?: string;
  /** @defaultValue now, by the machine's clock */
  readonly at?: Date;
  /** Members that replace or, when `undefined`, remove others. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Replaces the JSON of the payload. */
  readonly payload?: string;
}

const members = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] } as const;

export type ProofAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'RS256' | 'PS256' | 'RS512';

function createPair(algorithm: ProofAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  if (algorithm.startsWith('ES')) {
    const curve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[algorithm as 'ES256'];
    return generateKeyPairSync('ec', { namedCurve: curve });
  }
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

export class DpopKey {
  readonly jwk: JsonWebKey;
  readonly privateJwk: JsonWebKey;
  private readonly privateKey: KeyObject;

  constructor(readonly algorithm: ProofAlgorithm = 'ES256') {
    const { publicKey, privateKey } = createPair(algorithm);
    this.jwk = publicKey.export({ format: 'jwk' });
    this.privateJwk = privateKey.export({ format: 'jwk' });
    this.privateKey = privateKey;
  }

  /** The RFC 7638 thumbprint. */
  get jkt(): string {
    const of = members[this.jwk.kty as keyof typeof members];
    return hashOf(JSON.stringify(Object.fromEntries(of.map((name) => [name, this.jwk[name]]))));
  }

  proof({ method = 'GET', url, token, nonce, jti = randomUUID(), at = new Date(), ...parts }: ProofParts): string {
    const header = { typ: 'dpop+jwt', alg: this.algorithm, jwk: this.jwk, ...parts.header };
    const iat = Math.floor(at.getTime() / 1_000);
    const ath = token === undefined ? undefined : hashOf(token);
    const claims = { jti, htm: method, htu: url, iat, ath, nonce, ...parts.claims };
    const encode = (json: string): string => Buffer.from(json).toString('base64url');
    const input = `${encode(JSON.stringify(header))}.${encode(parts.payload ?? JSON.stringify(claims))}`;
    return `${input}.${this.sign(input).toString('base64url')}`;
  }

  private sign(input: string): Buffer {
    const hash = this.algorithm === 'EdDSA' ? null : `sha${this.algorithm.slice(2)}`;
    const pss = this.algorithm.startsWith('PS') ? { padding: 6, saltLength: 32 } : {};
    return sign(hash, Buffer.from(input), { key: this.privateKey, dsaEncoding: 'ieee-p1363', ...pss });
  }
}

/** The headers of a request with a bound token. */
export const dpopHeaders = (token: string, ...proofs: readonly string[]): [string, string][] => [
  ['Authorization', `DPoP ${token}`],
  ...proofs.map((proof): [string, string] => ['DPoP', proof]),
];
