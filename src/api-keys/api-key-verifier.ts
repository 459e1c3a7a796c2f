import type { EndedKeys } from '../authentication/ended-keys.js';
import { type Clock, readMilliseconds } from '../clock/clock.js';
import { isAuthError, RefusalError } from '../errors/auth-error.js';
import type { MaybePromise } from '../token/maybe-promise.js';
import type { SessionSubject } from '../sessions/session-subject.js';
import { BoundedMap } from '../upstream/bounded-map.js';
import { SingleFlight } from '../upstream/single-flight.js';
import type { AuthUser, UserCredential } from '../user/auth-user.js';
import { createAuthUser } from '../user/verified-user.js';
import type { ApiKeyParts } from './api-key-format.js';
import { findMatch, hashApiKey } from './api-key-hash.js';
import type { StoredApiKey } from './api-key-store.js';

export interface ApiKeyVerifierParts {
  /** Reads a key from the store. Rejects with an `AuthError`. */
  readonly findKey: (id: string) => Promise<StoredApiKey | null>;
  /** Looks up the user of a key. Rejects with an `AuthError`. */
  readonly findSubject: (userId: string) => Promise<SessionSubject | null>;
  /** `AuthUser.issuer` of the users of keys. */
  readonly issuer: string;
  readonly clock: Clock;
  readonly cacheMs: number;
  /** Called when a secret was used that a rotation has replaced; for each key once in the time of the cache. */
  readonly onReplacedUse: (key: StoredApiKey) => void;
}

/** What the app's `findSubject` said of a user. */
interface KnownSubject {
  readonly subject: SessionSubject | null;
  readonly readAt: number;
}

/** What is known of a key. */
interface KnownKey {
  readonly key: StoredApiKey;
  readonly readAt: number;
  /** Its user, once someone has proven to have the secret. */
  user: KnownSubject | null;
  /** The version of `EndedKeys` with which it was last compared. */
  endedVersion: number;
  hasReportedReplaced: boolean;
  /** The proofs that were made of key and user: one for each scheme and each of its secrets. */
  proofs: ApiKeyProof[];
}

/** Who a verified key stands for. */
export interface ApiKeyProof {
  readonly user: AuthUser;
  readonly key: StoredApiKey;
  readonly subject: SessionSubject;
  readonly match: Match;
  readonly expiresAtMs: number | null;
}

type Scheme = UserCredential['scheme'];
type Match = 'current' | 'previous';

/** How many keys are remembered. */
const mostKeys = 20_000;
/** A key that is used is read again in the background after this part of the time for which it is known. */
const refreshPart = 1 / 3;

/**
 * Verifies API keys, and remembers what it has read of them for a short time. Each secret is hashed and compared at each use: what
 * is remembered is the key, and not that a text was accepted.
 */
export class ApiKeyVerifier {
  private readonly known = new BoundedMap<string, KnownKey>(mostKeys);
  /** The readings that are in progress, by id. What was removed here is not remembered when it ends. */
  private readonly readings = new Map<string, Promise<KnownKey | null>>();
  private readonly lookUps = new SingleFlight<KnownSubject>();
  private ended: EndedKeys | null = null;

  constructor(private readonly parts: ApiKeyVerifierParts) {}

  /** Lets keys end here that were revoked in another process, before the time of the cache is over. */
  watchEnded(ended: EndedKeys): void {
    this.ended = ended;
  }

  /**
   * Verifies a key that was read not long ago, without I/O; `undefined` when it has to be read, and for a key that is refused.
   */
  recall(given: ApiKeyParts, scheme: Scheme): ApiKeyProof | undefined {
    const now = this.now();
    const known = this.findKnown(given.id, now);
    if (known === null) return undefined;
    const { key, user } = known;
    const match = findMatch(key, hashApiKey(given.id, given.secret), now);
    if (match === null || !this.isFresh(user, now) || user.subject === null || findEnding(key, now) !== null) {
      return undefined;
    }
    return this.prove(known, user, match, scheme);
  }

  /**
   * Verifies a key.
   *
   * @param given `null` for a text that is no key of this app: it costs no reading
   * @param reads whether the store is asked in any case; if it does not answer, what is known counts. @defaultValue false
   * @throws {RefusalError} `INVALID_TOKEN` with reason `key`, or to whoever has the secret `revoked` or `expired`.
   * @throws {AuthUnavailableError} when the store does not answer, or the user cannot be looked up.
   */
  async verify(given: ApiKeyParts | null, scheme: Scheme, reads = false): Promise<ApiKeyProof> {
    if (given === null) {
      throw RefusalError.apiKey('key', 'It is no key of this app: its form or its checksum is wrong');
    }
    const hash = hashApiKey(given.id, given.secret);
    const known = await this.findByHash(given.id, hash, reads);
    const match = findMatch(known?.key ?? null, hash, this.now());
    if (known === null || match === null) {
      throw RefusalError.apiKey('key', `There is no key ${given.id} with this secret`);
    }
    this.checkAlive(known.key);
    return this.prove(known, await this.findUser(known, reads), match, scheme);
  }

  /**
   * Finds what is known of a key. A hash that is not known is looked for in the store: another process may have rotated the key. It
   * also takes as long as an unknown id.
   */
  private findByHash(id: string, hash: Buffer, reads: boolean): MaybePromise<KnownKey | null> {
    const now = this.now();
    const remembered = this.findKnown(id, now);
    const known = findMatch(remembered?.key ?? null, hash, now) === null ? null : remembered;
    return known !== null && !reads ? known : orKnown(this.read(id), known ?? undefined);
  }

  /** Whether what was proven still holds, without I/O; `false` when the key has to be verified again. */
  holds({ key, expiresAtMs, subject }: ApiKeyProof): boolean {
    const now = this.now();
    const known = this.findKnown(key.id, now);
    const isSame = known?.key === key && known.user?.subject === subject;
    return isSame && (expiresAtMs === null || expiresAtMs > now);
  }

  /** Forgets a key that was changed in this process, and readings of it that began before. */
  forget(id: string): void {
    this.known.delete(id);
    this.readings.delete(id);
  }

  private prove(known: KnownKey, { subject }: KnownSubject, match: Match, scheme: Scheme): ApiKeyProof {
    const { key } = known;
    if (subject === null) throw RefusalError.apiKey('revoked', `findSubject knows no user of the key ${key.id}`);
    if (match === 'previous' && !known.hasReportedReplaced) {
      known.hasReportedReplaced = true;
      this.parts.onReplacedUse(key);
    }
    const earlier = known.proofs.find((proof) => proof.match === match && proof.user.credential.scheme === scheme);
    if (earlier !== undefined) return earlier;
    const proof = this.createProof(key, subject, match, scheme);
    known.proofs.push(proof);
    return proof;
  }

  private createProof(key: StoredApiKey, subject: SessionSubject, match: Match, scheme: Scheme): ApiKeyProof {
    const expiresAtMs = earliest(key.expiresAt, match === 'previous' ? (key.previous?.validUntil ?? null) : null);
    const user = createAuthUser({
      id: subject.id,
      issuer: this.parts.issuer,
      provider: 'api-key',
      isAnonymous: subject.isAnonymous ?? false,
      email: subject.email ?? null,
      emailVerified: subject.emailVerified ?? null,
      name: subject.name ?? null,
      clientId: key.id,
      roles: rolesOf(key, subject),
      scopes: [...key.scopes],
      expiresAt: expiresAtMs === null ? null : new Date(expiresAtMs),
      credential: { kind: 'api-key', id: key.id, scheme },
    });
    return { user, key, subject, match, expiresAtMs };
  }

  /** @throws {RefusalError} for whoever has the secret. */
  private checkAlive(key: StoredApiKey): void {
    const ending = findEnding(key, this.now());
    if (ending !== null) throw ending;
  }

  /** What is known of a key and may still be used. */
  private findKnown(id: string, now: number): KnownKey | null {
    const known = this.known.get(id);
    if (known === undefined) return null;
    if (!this.isFresh(known, now) || this.mayHaveEnded(known)) {
      this.known.delete(id);
      return null;
    }
    // Without it, many keys would be refused at the very beginning of an outage.
    if (now - known.readAt >= this.parts.cacheMs * refreshPart && !this.readings.has(id)) this.refresh(known);
    return known;
  }

  private refresh({ key: { id }, user }: KnownKey): void {
    const refreshed = this.read(id).then((known) =>
      known === null || user === null ? null : this.findUser(known, true),
    );
    // An outage is reported by the store, and the next use tries again.
    refreshed.catch(() => null);
  }

  private mayHaveEnded(known: KnownKey): boolean {
    const { ended } = this;
    if (ended === null || known.endedVersion === ended.version) return false;
    if (ended.mayHaveEnded(known.key, known.readAt)) return true;
    known.endedVersion = ended.version;
    return false;
  }

  /** Reads a key; several callers share one reading. */
  private read(id: string): Promise<KnownKey | null> {
    const running = this.readings.get(id);
    if (running !== undefined) return running;
    const reading = this.readStore(id).then(
      (found) => {
        if (this.readings.get(id) === reading) this.keep(id, found);
        return found;
      },
      (error: unknown) => {
        if (this.readings.get(id) === reading) this.readings.delete(id);
        throw error;
      },
    );
    this.readings.set(id, reading);
    return reading;
  }

  private async readStore(id: string): Promise<KnownKey | null> {
    const readAt = this.now();
    const endedVersion = this.ended?.version ?? 0;
    const key = await this.parts.findKey(id);
    // The user that is known stays known: whoever knows the id of a key cannot cause users to be looked up.
    const user = this.known.get(id)?.user ?? null;
    return key && { key, readAt, user, endedVersion, hasReportedReplaced: false, proofs: [] };
  }

  private keep(id: string, found: KnownKey | null): void {
    this.readings.delete(id);
    if (found === null || this.parts.cacheMs === 0) this.known.delete(id);
    else this.known.set(id, found);
  }

  private async findUser(known: KnownKey, reads: boolean): Promise<KnownSubject> {
    const readAt = this.now();
    const fresh = this.isFresh(known.user, readAt) ? known.user : undefined;
    if (fresh !== undefined && !reads) return fresh;
    const { userId } = known.key;
    const lookUp = async (): Promise<KnownSubject> => ({ subject: await this.parts.findSubject(userId), readAt });
    const user = await orKnown(this.lookUps.run(lookUp, userId), fresh);
    if (user !== known.user) {
      known.user = user;
      known.proofs = [];
    }
    return user;
  }

  private isFresh<Read extends { readonly readAt: number }>(read: Read | null, now: number): read is Read {
    const age = read === null ? Number.NaN : now - read.readAt;
    return age >= 0 && age < this.parts.cacheMs;
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** The value, or during an outage what is known. */
async function orKnown<Value>(reading: Promise<Value>, known: Value | undefined): Promise<Value> {
  try {
    return await reading;
  } catch (error) {
    if (known !== undefined && isAuthError(error) && error.code === 'SERVER_ERROR') return known;
    throw error;
  }
}

/** Why a key is refused although the secret is right. */
function findEnding({ id, revokedAt, enabled, expiresAt }: StoredApiKey, now: number): RefusalError | null {
  if (revokedAt !== null) return RefusalError.apiKey('revoked', `The key ${id} was revoked`);
  if (!enabled) return RefusalError.apiKey('revoked', `The key ${id} is disabled`);
  if (expiresAt === null || expiresAt.getTime() > now) return null;
  return RefusalError.apiKey('expired', `The key ${id} has expired`);
}

function earliest(...times: readonly (Date | null)[]): number | null {
  const given = times.flatMap((time) => (time === null ? [] : [time.getTime()]));
  return given.length === 0 ? null : Math.min(...given);
}

/** Those of the user's roles that the key names. */
function rolesOf({ roles }: StoredApiKey, { roles: ofUser = [] }: SessionSubject): readonly string[] {
  return roles.filter((role) => ofUser.includes(role));
}
