import { createHash, timingSafeEqual } from 'node:crypto';

import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, isAuthError, RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { describeThrown, logText } from '../telemetry/log-text.js';
import { signatureFits } from '../token/check-signature.js';
import { OutageWatch } from '../upstream/provider-calls.js';
import { DpopNonces, type KnownNonce } from './dpop-nonces.js';
import type { DpopTerms } from './dpop-options.js';
import { type DpopProof, KnownProofKeys, readProof } from './dpop-proof.js';
import type { DpopReplayStore } from './dpop-replay-store.js';
import { MemoryDpopReplayStore } from './memory-dpop-replay-store.js';
import { normalizeTarget, targetOf } from './target-uri.js';

export interface DpopProofsParts {
  readonly terms: DpopTerms;
  readonly clock: Clock;
  readonly report: ReportEvent;
  /** The outside address of the app's `/` for a request: `publicUrl`, or what the HTTP adapter reports; `undefined` when it is unknown. */
  readonly findBase: (request: RequestView) => string | undefined;
  /** Looked for when the app starts, as any module may provide it; `null` where there is none. */
  readonly findStore: () => DpopReplayStore | null;
}

/** What a proof is for. */
export interface ProofUse {
  /** The access token that comes with it; `null` where one is asked for. */
  readonly accessToken: string | null;
  /** Nonces of the endpoint that issues tokens are others than those of the routes. */
  readonly at: 'authorization-server' | 'resource-server';
}

/** Added to the life of a used proof, as clocks of instances may differ. */
const toleranceSeconds = 5;

/** Verifies DPoP proofs (RFC 9449 §4.3), each of which is used once. */
export class DpopProofs {
  private readonly nonces: Readonly<Record<ProofUse['at'], DpopNonces | null>>;
  private readonly outage: OutageWatch;
  private readonly keys = new KnownProofKeys();
  private store: DpopReplayStore = new MemoryDpopReplayStore();

  constructor(private readonly parts: DpopProofsParts) {
    const { terms, clock, report } = parts;
    const create = (at: ProofUse['at']): DpopNonces | null =>
      terms.nonces === null ? null : new DpopNonces(at, terms.nonces.secret, terms.windowSeconds, clock);
    this.nonces = {
      'authorization-server': create('authorization-server'),
      'resource-server': create('resource-server'),
    };
    const consequence = 'Until it answers, DPoP proofs are answered with 503';
    this.outage = new OutageWatch({ what: 'used proofs from the store', consequence, clock, report });
  }

  /** Called by Nest when all providers exist. @throws {ConfigurationError} when the store cannot be used as it is provided. */
  onModuleInit(): void {
    this.store = this.parts.findStore() ?? this.store;
  }

  /** Whether access tokens have to be bound. */
  get areRequired(): boolean {
    return this.parts.terms.mode === 'require';
  }

  /** Whether proofs have to contain a nonce of the server. */
  get haveNonces(): boolean {
    return this.parts.terms.nonces !== null;
  }

  /** Reads the proof of a request and checks its form. @throws {RefusalError} with reason `proof`. */
  read(request: RequestView): DpopProof {
    return readProof(request.headers('dpop'), this.keys);
  }

  /**
   * Verifies a proof for a request, and uses it up. Only a proof that passes everything else is remembered, so that a stranger cannot use up
   * the proofs of others.
   *
   * @returns the nonce that the client has to use from now on; `null` where it has the newest, or needs none
   * @throws {RefusalError} with reason `proof`, or `USE_DPOP_NONCE`.
   * @throws {RefusalError} `TOO_MANY_ATTEMPTS` when its key has used too many.
   * @throws {AuthUnavailableError} when it is unknown whether the proof was used.
   */
  async use(proof: DpopProof, request: RequestView, { accessToken, at }: ProofUse): Promise<string | null> {
    if (accessToken !== null) checkTokenHash(proof, accessToken);
    this.checkTarget(proof, request);
    const nonces = this.nonces[at];
    const nonce = nonces === null ? null : findNonce(proof, nonces);
    if (nonce === null) checkProofTime(proof, this.parts.terms.windowSeconds, this.now() / 1_000);
    checkProofSignature(proof);
    await this.remember(proof, nonce);
    this.keys.add(proof);
    return nonces === null || nonce?.isNewest !== false ? null : nonces.current();
  }

  /** RFC 9449 §4.3, items 8 and 9. */
  private checkTarget({ htm, htu }: DpopProof, request: RequestView): void {
    if (htm !== request.method) {
      throw RefusalError.proof(`Its "htm" is ${logText(htm)}, and the method is ${logText(request.method)}`);
    }
    const base = this.parts.findBase(request);
    const called = base === undefined || request.url === null ? undefined : targetOf(base, request.url);
    if (called !== undefined && normalizeTarget(htu) === called) return;
    const fix = 'Behind a proxy, AuthModule.forRoot({ publicUrl }) states by which address clients call the app';
    throw RefusalError.proof(`Its "htu" is ${logText(htu)}, and the request is for ${logText(called)}. ${fix}`);
  }

  /** RFC 9449 §11.1. The key is a part of it, as another client may have chosen the same `jti`. */
  private async remember({ jkt, jti, iat }: DpopProof, nonce: KnownNonce | null): Promise<void> {
    const key = createHash('sha256').update(`${jkt}.${jti}`).digest('base64url');
    const endsAtMs = nonce?.endsAtMs ?? (iat + this.parts.terms.windowSeconds) * 1_000;
    const expiresAt = new Date(endsAtMs + toleranceSeconds * 1_000);
    if (await this.ask(() => this.store.remember(key, expiresAt, new Date(this.now()), jkt))) return;
    throw RefusalError.proof('It was used before: each request needs a proof of its own');
  }

  private async ask(call: () => Promise<boolean>): Promise<boolean> {
    try {
      const isFirst = await call();
      this.outage.noteSuccess();
      return isFirst;
    } catch (cause) {
      // Stores of this package report their outages themselves.
      if (isAuthError(cause)) throw cause;
      this.outage.noteFailure(`it threw ${describeThrown(cause, null).problem}`);
      throw new AuthUnavailableError('The store of used proofs does not answer', undefined, { cause });
    }
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/**
 * RFC 9449 §4.3, item 11.
 *
 * @param now in seconds since 1970
 * @throws {RefusalError} with reason `proof`.
 */
export function checkProofTime({ iat }: DpopProof, windowSeconds: number, now: number): void {
  const ahead = iat - now;
  if (Math.abs(ahead) <= windowSeconds) return;
  const distance = `${Math.round(Math.abs(ahead))} s ${ahead > 0 ? 'ahead of' : 'behind'} the clock of this server`;
  throw RefusalError.proof(`Its "iat" is ${distance}; up to ${windowSeconds} s are accepted`);
}

/** RFC 9449 §4.3, item 6. @throws {RefusalError} with reason `proof`. */
export function checkProofSignature({ parsed, algorithm, key }: DpopProof): void {
  if (!signatureFits(parsed, algorithm, key)) throw RefusalError.proof('Its signature does not verify with its "jwk"');
}

/** RFC 9449 §4.3, item 12: the proof was made for this token. */
function checkTokenHash({ ath }: DpopProof, accessToken: string): void {
  const expected = createHash('sha256').update(accessToken).digest();
  const given = Buffer.from(ath ?? '', 'base64url');
  const isSame = given.length === expected.length && timingSafeEqual(given, expected);
  if (isSame && ath === expected.toString('base64url')) return;
  throw RefusalError.proof(
    ath === null ? 'It has no "ath": it was made for no access token' : 'Its "ath" is the hash of another access token',
  );
}

/** RFC 9449 §4.3, item 10. */
function findNonce({ nonce }: DpopProof, nonces: DpopNonces): KnownNonce {
  const known = nonce === null ? undefined : nonces.find(nonce);
  if (known !== undefined) return known;
  const problem = nonce === null ? 'It has no "nonce"' : 'Its "nonce" is none of this server, or is too old';
  throw RefusalError.dpopNonce(nonces.current(), problem);
}
