import {
  type Authentication,
  AuthenticationScheme,
  type HeadersOfSuccess,
  type SecurityScheme,
} from '../authentication/authentication-scheme.js';
import { bearerChallenge, type Challenge, type HeaderLines, statusOf } from '../challenge/error-answers.js';
import { TokenAuthentication } from '../authentication/bearer-scheme.js';
import { type AuthError, isBindingRefusal, RefusalError, withScheme } from '../errors/auth-error.js';
import { checkCredential, type Credential, findCredential } from '../request/find-credential.js';
import { networkOf } from '../request/network-of.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { nodeRequestOf, type RequestView } from '../request/request-view.js';
import { findBearerFault, type TokenSource } from '../request/token-sources.js';
import { chain, type MaybePromise } from '../token/maybe-promise.js';
import type { TokenVerifier, Verdict } from '../token/token-verifier.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';
import type { ClaimMap } from '../user/claim-map.js';
import { toAuthUser } from '../user/verified-user.js';
import { type DpopProof, proofAlgorithms } from './dpop-proof.js';
import type { DpopProofs } from './dpop-proofs.js';
import { describeUnknown, readConfirmation } from './token-binding.js';

export interface DpopSchemeParts {
  readonly proofs: DpopProofs;
  readonly verifier: TokenVerifier;
  /** Where other access tokens are. */
  readonly sources: readonly TokenSource[];
  /** The claim map of each issuer, by the issuer's name. */
  readonly claimMaps: ReadonlyMap<string, ClaimMap>;
  /** Refuses a request without the client certificate that has the thumbprint. */
  readonly checkCertificate: (thumbprint: string, request: RequestView) => void;
}

/** A proof that a request has used, so that a second verification of the same request does not count as a second use. */
interface UsedProof {
  readonly token: string;
  readonly proof: string;
  readonly nextNonce: string | null;
}

/** The place of the token. Its grammar is that of Bearer (RFC 9449 §7.1: `token68`). */
const dpopSource: TokenSource = Object.freeze({
  place: 'Authorization: DPoP',
  parameter: Object.freeze({ in: 'header', name: 'authorization' } as const),
  read: (request) =>
    request
      .headers('authorization')
      .flatMap(readDpop)
      .map((token) => ({ kind: 'token', token })),
  findFault: (token) =>
    findBearerFault(token) === undefined ? undefined : '"Authorization: DPoP" is not followed by exactly one token',
} satisfies TokenSource);

const algs = proofAlgorithms.join(' ');

/** Access tokens that are bound to a key of their client, which proves at each request that it has the key (RFC 9449 §7.1). */
export class DpopScheme extends AuthenticationScheme {
  override readonly name = 'DPoP';
  private readonly used = createPrivateSlot<UsedProof>();

  constructor(private readonly parts: DpopSchemeParts) {
    super();
  }

  override find(request: RequestView): Credential | undefined {
    const [token] = dpopSource.read(request);
    if (token?.kind !== 'token') return this.findBesideProof(request);
    if (request.headers('authorization').length > 1) {
      throw RefusalError.of('INVALID_REQUEST', 'The request has several Authorization headers, one of them with DPoP');
    }
    return { text: token.token, scheme: 'DPoP', source: dpopSource };
  }

  override authenticate(credential: Credential, request: RequestView): MaybePromise<Authentication> {
    if (credential.scheme !== 'DPoP') return chain(this.verify(credential, request), refuseStrayProof);
    return this.authenticateWith(credential, request, () => this.verify(credential, request));
  }

  override async authenticateOnline(
    credential: Credential,
    request: RequestView,
    earlier?: Authentication,
  ): Promise<Authentication> {
    const isIntrospected = earlier instanceof DpopAuthentication && earlier.verdict.key === null;
    if (isIntrospected && this.holds(earlier)) return earlier;
    if (credential.scheme !== 'DPoP') return chain(this.verify(credential, request), refuseStrayProof);
    return this.authenticateWith(credential, request, () =>
      this.parts.verifier.verifyOnline(credential.text, () => networkOf(request)),
    );
  }

  override holds(authentication: Authentication): boolean {
    return authentication instanceof DpopAuthentication && this.parts.verifier.holds(authentication.verdict);
  }

  override challenge(error: AuthError): Challenge | null {
    if (error.scheme === 'DPoP') return ownChallenge(error);
    // RFC 9449 §7.2: the answer states that a client may use DPoP, also where it has used two schemes at once.
    const isOffered = statusOf(error) === 401 || (error.code === 'INVALID_REQUEST' && error.scheme === null);
    return isOffered ? challengeWith({}) : null;
  }

  override securitySchemes(
    _scopes: readonly string[],
    kinds: readonly string[] | null,
  ): Readonly<Record<string, SecurityScheme>> {
    return kinds === null || kinds.includes('access-token') ? { dpop: { type: 'http', scheme: 'dpop' } } : {};
  }

  /** `null` where proofs have no nonce. */
  get headersOfSuccess(): HeadersOfSuccess | null {
    return this.parts.proofs.haveNonces ? this.findNextNonce : null;
  }

  /** The headers of a successful answer: the nonce that the client has to use from now on (RFC 9449 §8.2), which no cache may keep. */
  private readonly findNextNonce = (request: RequestView): HeaderLines => {
    const nextNonce = this.used.find(nodeRequestOf(request.request))?.nextNonce ?? null;
    if (nextNonce === null) return [];
    return [
      ['DPoP-Nonce', nextNonce],
      ['Cache-Control', 'no-store'],
    ];
  };

  /** A token of another scheme together with a proof: of two schemes that find the same text, the first one verifies it. */
  private findBesideProof(request: RequestView): Credential | undefined {
    if (request.headers('dpop').length === 0) return undefined;
    const found = findCredential(request, this.parts.sources);
    return found?.source.parameter?.name === 'authorization' ? found : undefined;
  }

  /** Cheap refusals come first: the form of the proof, the token, what binds it, and then what the proof was made for. */
  private async authenticateWith(
    credential: Credential,
    request: RequestView,
    verify: () => MaybePromise<Verdict>,
  ): Promise<Authentication> {
    checkForm(credential, request);
    const proof = this.parts.proofs.read(request);
    const verdict = await verify();
    const certificate = checkBinding(verdict.token, proof);
    if (certificate !== null) this.parts.checkCertificate(certificate, request);
    const holder = nodeRequestOf(request.request);
    const used = this.used.find(holder);
    if (used?.proof !== proof.text || used.token !== credential.text) {
      const { text: accessToken } = credential;
      const nextNonce = await this.parts.proofs.use(proof, request, { accessToken, at: 'resource-server' });
      this.used.set(holder, { token: accessToken, proof: proof.text, nextNonce });
    }
    return new DpopAuthentication(this.toUser(verdict), verdict);
  }

  private verify({ text }: Credential, request: RequestView): MaybePromise<Verdict> {
    const { verifier } = this.parts;
    return verifier.findVerified(text) ?? verifier.verifyUncached(text, () => networkOf(request));
  }

  private toUser({ text, token }: Verdict): AuthUser {
    const claimMap = this.parts.claimMaps.get(token.issuer);
    if (claimMap === undefined) throw new Error('A trusted issuer has no claim map');
    return toAuthUser(this.parts.verifier.toDetachedString(text), token, claimMap, 'DPoP');
  }
}

/** The authentication by a token and the proof of its key. */
class DpopAuthentication extends TokenAuthentication {
  readonly scheme = 'DPoP';
}

/**
 * The token of a header, or of a connection parameter that stands for it; `['']` for the scheme alone. Without a regular expression, which a long
 * value of blanks would keep busy for minutes.
 */
export function readDpop(given: string): readonly string[] {
  const value = given.trim();
  if (value.slice(0, 4).toLowerCase() !== 'dpop') return [];
  const rest = value.slice(4);
  // RFC 9110 §11.4: the scheme is followed by one or more spaces.
  return rest === '' || rest.startsWith(' ') ? [rest.trim()] : [];
}

function checkForm(credential: Credential, { method, url, upgrade }: RequestView): void {
  checkCredential(credential);
  if (method !== null && url !== null && upgrade === undefined) return;
  throw RefusalError.proof('A proof names the method and the address of one HTTP request, and this is none');
}

/**
 * RFC 9449 §7.1: the token is bound to the key of the proof.
 *
 * @returns the thumbprint of the certificate that it is bound to as well; `null` for none
 */
function checkBinding({ claims }: VerifiedToken, { jkt }: DpopProof): string | null {
  const confirmation = readConfirmation(claims);
  if (confirmation.kind === 'unknown') throw RefusalError.binding(describeUnknown(confirmation.described));
  if (confirmation.kind === 'bound' && confirmation.jkt === jkt) return confirmation.certificate;
  throw RefusalError.binding(
    confirmation.kind === 'none' || confirmation.jkt === null
      ? 'The token is bound to no key (no cnf.jkt), and came as "Authorization: DPoP"'
      : 'The token is bound to another key (cnf.jkt) than that of the proof',
  );
}

/** A client that sends a proof means to be protected by it, and is not. */
function refuseStrayProof({ token }: Verdict): never {
  const confirmation = readConfirmation(token.claims);
  if (confirmation.kind === 'none' || (confirmation.kind === 'bound' && confirmation.jkt === null)) {
    const explanation = 'The request has a header DPoP, and its token is bound to no key: send one of the two';
    throw withScheme(RefusalError.of('INVALID_REQUEST', explanation), 'Bearer');
  }
  throw RefusalError.binding('The token is bound, and came as another scheme than DPoP. Send "Authorization: DPoP"');
}

function challengeWith(parameters: Readonly<Record<string, string>>): Challenge {
  return { scheme: 'DPoP', parameters: { ...parameters, algs } };
}

/** RFC 9449 §7.1. What is no matter of the proof is described as for Bearer. */
function ownChallenge(error: AuthError): Challenge | null {
  if (error.code === 'USE_DPOP_NONCE') {
    return challengeWith({ error: 'use_dpop_nonce', error_description: error.message });
  }
  if (error.reason === 'proof' && !isBindingRefusal(error)) {
    return challengeWith({ error: 'invalid_dpop_proof', error_description: error.message });
  }
  const bearer = bearerChallenge(error, true);
  return bearer === null ? null : challengeWith(bearer.parameters);
}
