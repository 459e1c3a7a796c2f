import type { JsonWebKey } from 'node:crypto';

import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, isAuthError, isConfigurationError } from '../errors/auth-error.js';
import { Backoff } from '../keys/backoff.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { logText } from '../telemetry/log-text.js';
import { chain, type MaybePromise } from '../token/maybe-promise.js';
import { SingleFlight } from '../upstream/single-flight.js';
import type { EncryptionKeys } from './encryption-keys.js';
import { isOver, type KeyTimes, maySign, planNextKey, retirementOf, type RotationTerms } from './key-rotation.js';
import { PrivateKeys, type SealedKey } from './private-keys.js';
import type { SigningAlgorithm, SigningKeyStore, StoredSigningKey } from './signing-key-store.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import { type PublicJwk, type SigningKeyName, SigningKeys, toPublicJwk } from './signing-keys.js';

export interface StoredSigningKeysParts {
  /** Looked for at the first use, because any module may provide it. */
  readonly findStore: () => SigningKeyStore;
  readonly findEncryptionKeys: () => EncryptionKeys;
  readonly clock: Clock;
  /** The algorithm of new keys. */
  readonly algorithm: SigningAlgorithm;
  /** @defaultValue 90 days */
  readonly rotateEverySeconds?: number;
  /** How long a key is published before it signs. @defaultValue one day */
  readonly publishAheadSeconds?: number;
  /** How long the longest token lives that is signed with these keys. */
  readonly longestTokenSeconds: number;
  /** Receives what is wrong with a key. That the store does not answer is reported by `OwnKeySource`. */
  readonly report: ReportEvent;
}

/** How old what was read may be before it is read again in the background. */
const freshMs = 60_000;
/** From this age on callers wait for the store, if it answers: keys may have been removed while nobody called. */
const waitMs = 10 * 60_000;
/** How long the keys are used while the store does not answer. */
const usableMs = 24 * 60 * 60_000;
/** How often a key is added after another instance was faster each time. */
const mostAttempts = 5;

/** A key of the store, after it was checked. */
interface KnownKey extends KeyTimes {
  readonly name: SigningKeyName;
  readonly jwk: PublicJwk;
  readonly sealed: Uint8Array;
}

interface KnownKeys {
  /** In the order of `sequence`. */
  readonly all: readonly KnownKey[];
  /** The highest `sequence` in the store; 0 when it is empty. */
  readonly lastSequence: number;
  readonly readAt: number;
}

/** When a new key is to begin to sign, in milliseconds; `null` where none is needed. */
type Plan = (known: KnownKeys) => number | null;

/**
 * Creates the keys that sign the app's own tokens, and rotates them, in a store that all instances share. Private keys are
 * encrypted there.
 *
 * The state of a key follows from the times of all keys at each use. The store is read again when a use finds what was read
 * older than a minute, in the background; what was read stays in use for a day while the store does not answer.
 */
export class StoredSigningKeys extends SigningKeys {
  private readonly terms: RotationTerms;
  private readonly privateKeys: PrivateKeys;
  private known: KnownKeys | null = null;
  private publishedKeys: readonly PublicJwk[] = [];
  /** The entries of the store that are no keys, each of which is reported once. */
  private readonly reported = new Set<string>();
  private readonly backoff = new Backoff();
  private readonly flight = new SingleFlight<KnownKeys>();

  constructor(private readonly parts: StoredSigningKeysParts) {
    super();
    const { algorithm, rotateEverySeconds = 90 * 86_400, publishAheadSeconds = 86_400, longestTokenSeconds } = parts;
    this.privateKeys = new PrivateKeys(parts.findEncryptionKeys, parts.report);
    this.terms = {
      algorithm,
      rotateEveryMs: rotateEverySeconds * 1_000,
      publishAheadMs: publishAheadSeconds * 1_000,
      longestTokenMs: longestTokenSeconds * 1_000,
    };
  }

  /** @throws {AuthUnavailableError} when no key is known and the store does not answer. */
  override current(): MaybePromise<SigningKeyName> {
    return chain(this.find(), (known) => this.findSigner(known)?.name ?? this.createSigner());
  }

  override sign(kid: string, bytes: Uint8Array): MaybePromise<Uint8Array> {
    return this.privateKeys.sign(kid, bytes);
  }

  /**
   * The public keys that verify tokens now; the same list as before while nothing has changed.
   *
   * @throws {AuthUnavailableError} when no key is known and the store does not answer.
   */
  override published(): MaybePromise<readonly PublicJwk[]> {
    return chain(this.find(), ({ all }) => {
      const now = this.now();
      const keys = all.filter((key) => !isOver(key, now, this.terms)).map(({ jwk }) => jwk);
      const before = this.publishedKeys;
      const isSame = keys.length === before.length && keys.every((jwk, at) => jwk === before[at]);
      if (!isSame) this.publishedKeys = Object.freeze(keys);
      return this.publishedKeys;
    });
  }

  /** @throws {AuthUnavailableError} when the store does not answer. Then nothing has changed. */
  override async rotate(): Promise<void> {
    const now = this.now();
    await this.flight.landed();
    const { lastSequence } = await this.flight.run(this.read);
    // An instance that rotates at the same moment does what is asked for.
    const isRotated = ({ all }: KnownKeys): boolean =>
      all.some(({ sequence, signsFromMs }) => sequence > lastSequence && signsFromMs <= now);
    await this.flight.landed();
    await this.flight.run(() => this.update((read) => this.add(read, (known) => (isRotated(known) ? null : now))));
  }

  /** @throws {AuthUnavailableError} when the store does not answer. What is known stays in use. */
  override async refresh(): Promise<void> {
    // A reading that is in progress may be older than the change that the caller wants to see.
    await this.flight.landed();
    await this.flight.run(this.read);
  }

  /** What is known, at once if it is young enough, or if the store does not answer. */
  private find(): MaybePromise<KnownKeys> {
    const now = this.now();
    const { known } = this;
    if (known === null) return this.readOnce();
    // A clock that was set back shows a time before the reading.
    const age = Math.abs(now - known.readAt);
    if (age >= usableMs) return this.readOnce();
    if (age >= waitMs && !this.backoff.failing) return this.readOnce().catch(() => known);
    if (age >= freshMs && this.backoff.mayTry(now)) this.flight.run(this.read).catch(() => undefined);
    return known;
  }

  private async readOnce(): Promise<KnownKeys> {
    if (!this.backoff.mayTry(this.now())) throw this.fault(undefined);
    return this.flight.run(this.read);
  }

  private readonly read = (): Promise<KnownKeys> => this.update((read) => this.maintain(read));

  /** Reads the store, lets `change` continue with what was read, and keeps what that returns. */
  private async update(change: (read: KnownKeys) => Promise<KnownKeys>): Promise<KnownKeys> {
    try {
      const known = await change(await this.list());
      this.known = known;
      this.privateKeys.retain(new Set(known.all.map(({ name }) => name.kid)));
      this.backoff.noteSuccess(this.now());
      return known;
    } catch (error) {
      if (isConfigurationError(error)) throw error;
      this.backoff.noteFailure(this.now());
      throw isAuthError(error) ? error : this.fault(error);
    }
  }

  private async list(): Promise<KnownKeys> {
    const readAt = this.now();
    const stored = [...(await this.parts.findStore().list())].sort((one, other) => one.sequence - other.sequence);
    const times = stored.map(({ sequence, signsFrom }) => ({ sequence, signsFromMs: signsFrom.getTime() }));
    const all = stored.flatMap((key) => this.check(key, retirementOf(key.sequence, times)));
    return { all, lastSequence: stored.at(-1)?.sequence ?? 0, readAt };
  }

  /** Leaves out a key that was changed in the store, so that it does not verify tokens. */
  private check(stored: StoredSigningKey, retiredAtMs: number): readonly KnownKey[] {
    const { kid, algorithm, sequence, signsFrom, sealedPrivateKey: sealed } = stored;
    const before = this.known?.all.find(({ name }) => name.kid === kid);
    const jwk = before?.jwk ?? readPublicJwk(stored);
    if (jwk !== null) {
      const name = Object.freeze({ kid, algorithm });
      return [{ name, algorithm, sequence, signsFromMs: signsFrom.getTime(), retiredAtMs, jwk, sealed }];
    }
    if (!this.reported.has(kid)) {
      this.reported.add(kid);
      const problem = `The kid ${logText(kid)} in the SigningKeyStore is not the thumbprint of its public key, so this key is not used`;
      this.parts.report({ type: 'misconfigured', problem, fix: 'Find out what has changed it, and remove it' });
    }
    return [];
  }

  /** Creates the keys that are due, and removes those that are over. */
  private async maintain(read: KnownKeys): Promise<KnownKeys> {
    const known = await this.add(read, (latest) => (this.findSigner(latest) === null ? this.now() : null));
    try {
      const latest = await this.add(known, ({ all }) => planNextKey(all, this.now(), this.terms));
      return await this.removeOver(latest);
    } catch {
      // There is a key that signs, and the next reading tries the rest again.
      return known;
    }
  }

  /** Adds a key if `plan` asks for one. Of several instances that do so at once, one succeeds; the others read its key. */
  private async add(read: KnownKeys, plan: Plan): Promise<KnownKeys> {
    let known = read;
    let key: SealedKey | null = null;
    for (let attempt = 0; attempt <= mostAttempts; attempt += 1) {
      const signsFromMs = plan(known);
      if (signsFromMs === null) return known;
      key ??= await this.privateKeys.create(this.terms.algorithm);
      await this.parts.findStore().add(this.toStored(key, known.lastSequence + 1, signsFromMs));
      known = await this.list();
    }
    throw new AuthUnavailableError('Other instances of the app add signing keys at the same time');
  }

  private toStored({ jwk, sealed }: SealedKey, sequence: number, signsFromMs: number): StoredSigningKey {
    const { kid, alg: algorithm } = jwk;
    const [createdAt, signsFrom] = [new Date(this.now()), new Date(signsFromMs)];
    return { kid, sequence, algorithm, publicJwk: JSON.stringify(jwk), sealedPrivateKey: sealed, createdAt, signsFrom };
  }

  private async removeOver(known: KnownKeys): Promise<KnownKeys> {
    const now = this.now();
    const over = known.all.filter((key) => isOver(key, now, this.terms));
    if (over.length > 0) await this.parts.findStore().remove(over.map(({ name }) => name.kid));
    return { ...known, all: known.all.filter((key) => !over.includes(key)) };
  }

  /** Called when no known key can sign: reading the store creates one. */
  private async createSigner(): Promise<SigningKeyName> {
    await this.refresh();
    const signer = this.known === null ? null : this.findSigner(this.known);
    if (signer === null) throw new AuthUnavailableError('There is no signing key');
    return signer.name;
  }

  /** The last key whose time has come, of those whose private key can be decrypted. */
  private findSigner({ all }: KnownKeys): KnownKey | null {
    const now = this.now();
    return all.findLast((key) => maySign(key, now) && this.privateKeys.canSign(key.name, key.sealed)) ?? null;
  }

  private fault(cause: unknown): AuthUnavailableError {
    const retryAfterSeconds = this.backoff.remainingMs(this.now()) / 1_000;
    // What a store throws may repeat its address, and its password with it.
    return new AuthUnavailableError('The store of the signing keys does not answer', retryAfterSeconds, { cause });
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** `null` when it is not the public key that its `kid` names. */
function readPublicJwk({ kid, algorithm, publicJwk }: StoredSigningKey): PublicJwk | null {
  try {
    const members = JSON.parse(publicJwk) as JsonWebKey;
    return thumbprintOf(members) === kid ? Object.freeze(toPublicJwk(members, algorithm, kid)) : null;
  } catch {
    return null;
  }
}
