import { isRefusal, RefusalError } from '../errors/auth-error.js';
import { type Algorithm, findAlgorithm } from '../keys/algorithm.js';
import { importJwk } from '../keys/import-jwk.js';
import type { VerificationKey } from '../keys/key-set.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import { detachedString } from '../token/base64url.js';
import { type ParsedToken, parseToken } from '../token/parse-token.js';
import type { TokenHeader } from '../token/verified-token.js';
import { BoundedMap } from '../upstream/bounded-map.js';

/** What the header of a proof says: its key, and how it signs. */
interface ProofKey {
  readonly algorithm: Algorithm;
  readonly key: VerificationKey;
  /** The thumbprint of its key. */
  readonly jkt: string;
}

/** A proof (RFC 9449 §4.2) of the right form. Nothing in it was verified. */
export interface DpopProof extends ProofKey {
  readonly text: string;
  readonly parsed: ParsedToken;
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  readonly iat: number;
  readonly ath: string | null;
  readonly nonce: string | null;
}

/** The algorithms by which proofs may be signed. */
const accepted = ['ES256', 'EdDSA', 'PS256', 'RS256', 'ES384'] as const satisfies readonly Algorithm[];

/** The same as challenges and metadata list them: EdDSA by both of its names, as clients look for one of the two (RFC 9864). */
export const proofAlgorithms = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256', 'ES384'] as const;

const longestProof = 4_096;
const mostKnownKeys = 5_000;

/** Remembers the keys of clients by the encoded headers of their proofs, as importing a key costs more than checking a signature. */
export class KnownProofKeys {
  private readonly keys = new BoundedMap<string, ProofKey>(mostKnownKeys);

  /** Found only by the very same header, so that `typ` and all other members are those that were checked. */
  find(encodedHeader: string): ProofKey | undefined {
    return this.keys.get(encodedHeader);
  }

  /** Add only those of proofs that were accepted, so that a stranger cannot displace the keys of others. */
  add({ parsed: { encodedHeader }, algorithm, key, jkt }: DpopProof): void {
    if (!this.keys.has(encodedHeader)) this.keys.set(detachedString(encodedHeader), { algorithm, key, jkt });
  }
}

/** Members of a private or a shared key (RFC 7518 §6). A client that sends one has disclosed it. */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Reads the one proof of a request and checks its form (RFC 9449 §4.3, items 1 to 5 and 7).
 *
 * @param values all values of the header `DPoP`
 * @param known keys of earlier proofs, which are not imported again
 * @throws {RefusalError} with reason `proof`.
 */
export function readProof(values: readonly string[], known?: KnownProofKeys): DpopProof {
  const [text, ...others] = values;
  if (text === undefined) throw RefusalError.proof('The request has no header DPoP');
  // Node joins headers of one name by commas, and a JWT has none.
  if (others.length > 0 || text.includes(',')) throw RefusalError.proof('The request has more than one header DPoP');
  if (text.length > longestProof) {
    throw RefusalError.proof(`The proof has ${text.length} characters; the limit is ${longestProof}`);
  }
  const parsed = parse(text);
  const { algorithm, key, jkt } = known?.find(parsed.encodedHeader) ?? readHeader(parsed.header);
  return { text, parsed, algorithm, key, jkt, ...readClaims(parsed.claims) };
}

function readHeader(header: TokenHeader): ProofKey {
  if (header.typ !== 'dpop+jwt') throw RefusalError.proof(`Its "typ" is ${logText(header.typ)} instead of dpop+jwt`);
  const algorithm = readAlgorithm(header.alg);
  const key = readKey(header['jwk'], algorithm);
  return { algorithm, key, jkt: thumbprintOf(key.key.export({ format: 'jwk' })) };
}

function parse(text: string): ParsedToken {
  try {
    return parseToken(text);
  } catch (error) {
    if (isRefusal(error)) throw RefusalError.proof(`The proof is no signed JWT. ${error.explanation}`);
    throw error;
  }
}

function readAlgorithm(name: string): Algorithm {
  const algorithm = findAlgorithm(name);
  if (algorithm !== undefined && accepted.some((each) => each === algorithm)) return algorithm;
  throw RefusalError.proof(`Its "alg" is ${logText(name)}, and accepted are ${accepted.join(', ')}`);
}

function readKey(jwk: unknown, algorithm: Algorithm): VerificationKey {
  if (typeof jwk !== 'object' || jwk === null) throw RefusalError.proof('Its header has no "jwk"');
  const secret = secretMembers.find((name) => Object.hasOwn(jwk, name));
  if (secret !== undefined)
    throw RefusalError.proof(`Its "jwk" is a private or shared key: it has the member "${secret}"`);
  const key = importJwk(jwk);
  if ('problem' in key) throw RefusalError.proof(`Its "jwk" cannot be used: ${key.problem}`);
  if (!key.algorithms.has(algorithm)) throw RefusalError.proof(`Its "jwk" does not go with its "alg" ${algorithm}`);
  return key;
}

type ProofClaims = Pick<DpopProof, 'jti' | 'htm' | 'htu' | 'iat' | 'ath' | 'nonce'>;

function readClaims(claims: JsonObject): ProofClaims {
  const { iat } = claims;
  if (typeof iat !== 'number' || !Number.isFinite(iat)) throw RefusalError.proof('Its "iat" is missing or no number');
  return {
    jti: requireText(claims, 'jti'),
    htm: requireText(claims, 'htm'),
    htu: requireText(claims, 'htu'),
    iat,
    ath: claims['ath'] === undefined ? null : requireText(claims, 'ath'),
    nonce: claims['nonce'] === undefined ? null : requireText(claims, 'nonce'),
  };
}

function requireText(claims: JsonObject, name: string): string {
  const value = claims[name];
  if (typeof value === 'string' && value !== '') return value;
  throw RefusalError.proof(`Its "${name}" is missing or no text`);
}
