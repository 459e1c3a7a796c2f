import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import type { ParsedRefreshToken, RefreshTokens } from './refresh-tokens.js';
import type { RefreshReplacement, SessionEndReason, SessionStore, StoredSession } from './session-store.js';
import type { SessionTerms } from './session-options.js';

export interface SessionRotationParts {
  readonly terms: Pick<SessionTerms, 'graceMs' | 'idleMs'>;
  readonly store: SessionStore;
  readonly tokens: RefreshTokens;
  readonly clock: Clock;
  /** Ends a session, and resolves when its access tokens are revoked; `true` when this call ended it. */
  readonly end: (id: string, reason: SessionEndReason) => Promise<boolean>;
  /** Called once for a session that was ended because a refresh token came too late. */
  readonly onReuse: (session: StoredSession) => void;
}

/** A refresh that has succeeded. */
export interface RotatedSession<Prepared> {
  readonly session: StoredSession;
  /** The refresh token to give to the client. */
  readonly refreshToken: string;
  readonly idleExpiresAt: Date;
  readonly prepared: Prepared;
}

const mostReplacements = 50;
/** How often a refresh looks again when another one came first. Each time, another one has succeeded. */
const mostAttempts = 5;
const dayMs = 86_400_000;

/**
 * Replaces refresh tokens. A session has one current token. Each use replaces it by the next one, in one atomic step of the
 * store: of several uses at once, in however many processes, one replaces it, and all of them receive the same next token.
 * A token that was replaced within the grace period receives the current token; one that was replaced before that ends the
 * session (RFC 9700 §4.14.2).
 *
 * What can fail is done before the token is replaced, so that a failure leaves the client with a token that works.
 */
export class SessionRotation {
  constructor(private readonly parts: SessionRotationParts) {}

  /**
   * @param check may refuse the request before anything is changed
   * @param prepare makes what the client receives besides the refresh token; called once, before the token is replaced
   * @throws {RefusalError} with reason `malformed`, `revoked` or `expired`
   * @throws {AuthUnavailableError} when the store does not answer
   */
  async rotate<Prepared>(
    text: string,
    check: (session: StoredSession) => void,
    prepare: (session: StoredSession) => Promise<Prepared>,
  ): Promise<RotatedSession<Prepared>> {
    const token = this.parts.tokens.parse(text);
    if (token === null)
      throw notOurs('It is not a refresh token that this app has issued, or encryptionKey has changed since');
    // The grace period is measured to this moment: a slow look-up of the user is no fault of the client.
    const usedAt = readMilliseconds(this.parts.clock);
    let session = await this.findUsable(token, usedAt);
    check(session);
    const prepared = await prepare(session);
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const isCurrent = session.generation === token.generation;
      const rotated = isCurrent ? await this.replace(session) : null;
      if (rotated !== null) return { ...this.toResult(session, token.generation + 1, rotated), prepared };
      // The session as it was before `prepare` may be out of date, and a refresh that lost reads what the winner wrote.
      session = await this.findUsable(token, usedAt);
      if (session.generation === token.generation) continue;
      return { ...this.toResult(session, session.generation, session.idleExpiresAt), prepared };
    }
    throw new AuthUnavailableError('The session store says each time that the session has changed', 1);
  }

  /** The session of a token that may be used, if the request with it came at `usedAt`. */
  private async findUsable(token: ParsedRefreshToken, usedAt: number): Promise<StoredSession> {
    const { store, tokens, end, onReuse } = this.parts;
    const session = await store.find(token.sessionId);
    if (session === null) throw notOurs('There is no such session: it was deleted after it had ended');
    if (!tokens.belongsTo(token, session)) throw notOurs('It was not issued for this session');
    checkAlive(session, readMilliseconds(this.parts.clock));
    if (token.generation > session.generation) {
      throw notOurs('The session store is older than the token. Was it restored from a backup?');
    }
    if (this.mayBeUsed(token, session, usedAt)) return session;
    if (await end(session.id, 'reuse')) onReuse(session);
    throw ended('It had been replaced, and the grace period was over, so the session was ended');
  }

  private mayBeUsed({ generation }: ParsedRefreshToken, session: StoredSession, usedAt: number): boolean {
    if (generation === session.generation) return true;
    // Replacements that were merged with a later one count as made at the time of that one.
    const replacement = session.replacements.findLast((candidate) => candidate.generation >= generation);
    if (replacement === undefined) return false;
    // The clock of the instance that replaced it may be ahead, or it replaced it while this request was waiting.
    return Math.max(0, usedAt - replacement.at.getTime()) < this.parts.terms.graceMs;
  }

  /** @returns when the session now expires without use; `null` when another refresh came first, or the session has ended */
  private async replace(session: StoredSession): Promise<Date | null> {
    const { store, terms, clock } = this.parts;
    const now = readMilliseconds(clock);
    const idleExpiresAt = new Date(Math.min(now + terms.idleMs, session.absoluteExpiresAt.getTime()));
    const replacements = withReplacement(session, now, terms.graceMs);
    const { id, generation } = session;
    const lastUsedAt = new Date(now);
    const removeAfter = removalTime(idleExpiresAt);
    const isReplaced = await store.rotate(id, { generation, replacements, lastUsedAt, idleExpiresAt, removeAfter });
    return isReplaced ? idleExpiresAt : null;
  }

  private toResult(session: StoredSession, generation: number, idleExpiresAt: Date) {
    return { session, refreshToken: this.parts.tokens.create(session, generation), idleExpiresAt };
  }
}

/**
 * @throws {RefusalError} when the session has ended or expired.
 */
export function checkAlive(session: StoredSession, now: number): void {
  if (session.endedAt !== null) throw ended(`The session ended: ${session.endReason ?? 'ended'}`);
  if (!isAlive(session, now)) {
    throw RefusalError.session('expired', 'The session was not used for idleSeconds, or is older than absoluteSeconds');
  }
}

/** Whether a session has neither ended nor expired. With a clock that returns an invalid date (NaN), none is alive. */
export function isAlive({ endedAt, idleExpiresAt, absoluteExpiresAt }: StoredSession, now: number): boolean {
  return endedAt === null && now < Math.min(idleExpiresAt.getTime(), absoluteExpiresAt.getTime());
}

/** When the store may delete a session: on the day after the one on which it expires, so that it changes once a day. */
export function removalTime(expiresAt: Date): Date {
  return new Date((Math.floor(expiresAt.getTime() / dayMs) + 2) * dayMs);
}

/**
 * The replacement that is made now, those of the last grace period, and the newest one before that: tokens up to its
 * generation come too late.
 */
function withReplacement(session: StoredSession, now: number, graceMs: number): readonly RefreshReplacement[] {
  const { generation, replacements } = session;
  const firstLate = replacements.findIndex(({ at }) => now - at.getTime() >= graceMs);
  const kept = firstLate === -1 ? replacements : replacements.slice(0, firstLate + 1);
  const all = [{ generation, at: new Date(now) }, ...kept];
  return all.length <= mostReplacements ? all : withoutClosest(all);
}

/**
 * Leaves out the replacement whose neighbours are closest in time. The one after it then stands for both. So the list stays
 * short however often a session is refreshed, and a token is accepted for at most a twentieth of the grace period too long.
 */
function withoutClosest(all: readonly RefreshReplacement[]): readonly RefreshReplacement[] {
  let closest = 1;
  let least = Number.POSITIVE_INFINITY;
  for (const at of all.keys()) {
    const [later, earlier] = [all[at - 1], all[at + 1]];
    // The last one is the limit for all tokens before it, and stays.
    if (later === undefined || earlier === undefined) continue;
    const span = later.at.getTime() - earlier.at.getTime();
    if (span < least) [closest, least] = [at, span];
  }
  return all.filter((_, at) => at !== closest);
}

function notOurs(explanation: string): RefusalError {
  return RefusalError.session('malformed', explanation);
}

function ended(explanation: string): RefusalError {
  return RefusalError.session('revoked', explanation);
}
