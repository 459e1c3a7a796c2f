import { createHash } from 'node:crypto';

import { type Clock, NodeTimer, type Timer } from '../clock/clock.js';
import { AuthUnavailableError, isRefusal, type RefusalError } from '../errors/auth-error.js';
import { BoundedMap } from '../upstream/bounded-map.js';
import { FairQueue } from '../upstream/fair-queue.js';
import type { JsonObject } from './json-object.js';
import type { TokenStatusSource } from './trusted-issuer.js';

/** When and from where a token arrived. */
export interface Arrival {
  /** The value of `callCount` when the token arrived: what began later counts for it. */
  readonly callsBefore: number;
  /** The network of the caller; `null` where it is not known. */
  readonly findNetwork: FindNetwork;
}

/** Finds the network of a caller, of which many unknown tokens may come. Called only for tokens that are introspected. */
export type FindNetwork = () => string | null;

/** A token to introspect. */
export interface IntrospectionRequest {
  readonly text: string;
  /** The claims in the token itself; `null` for an opaque token. */
  readonly claims: JsonObject | null;
  readonly statusSource: TokenStatusSource;
  readonly arrival: Arrival;
  /** Whether the signature of the token is verified, so that it is not the invention of a stranger. */
  readonly isVerified: boolean;
}

/** The answer of an issuer about a token. */
interface Answer {
  /** The claims in the answer; `null` when the issuer refused the token or confirmed it without claims. */
  readonly introspected: JsonObject | null;
  readonly refusal: RefusalError | null;
  /** When the call started, in milliseconds since 1970. */
  readonly askedAt: number;
  /** The value of `callCount` with this call included. */
  readonly number: number;
}

/** A call that is not answered yet. */
interface Call extends Pick<Answer, 'askedAt' | 'number'> {
  readonly answer: Promise<Answer>;
  /** The call that follows it, for the tokens that arrived after it began. */
  next: Promise<Answer> | null;
}

const defaultMaxAnswers = 10_000;
/** How old an answer may be that was asked for between the arrival of a token and its introspection, and is used for it. */
const sharedMs = 5_000;

/**
 * Calls about tokens that are in progress and whose issuer has confirmed none of them yet. Fewer than the connections to
 * a provider, so that the invented tokens of a stranger leave some for the tokens of users.
 */
const unknownTokens = { mostRunning: 48, mostWaitingOfGroup: 500, mostWaiting: 4_000 };
/** How long such a token waits for its turn. */
const patienceMs = 2_500;

/**
 * Introspects tokens. A confirmation is used again until it is older than `acceptedAgeMs`. Requests with the same token
 * share a call that begins after they came: while one is in progress, all that come wait for the next one together.
 *
 * Answers are stored by the SHA-256 of the token, so that no token is kept in memory, and removed by a timer.
 */
export class IntrospectionCache {
  private count = 0;
  private readonly calls = new Map<string, Call>();
  /** In the order of arrival, the oldest first. */
  private readonly answers = new Map<string, Answer>();
  /** Tokens that were confirmed some time: they do not wait with the unknown ones. */
  private readonly confirmed: BoundedMap<string, true>;
  private readonly unknown = new FairQueue(unknownTokens);
  private sweepIsScheduled = false;

  constructor(
    private readonly clock: Clock,
    /** How long a confirmation is used again; 0 for never. A refusal is not used again. */
    private readonly acceptedAgeMs: number,
    private readonly maxAnswers = defaultMaxAnswers,
    private readonly timer: Timer = new NodeTimer(),
  ) {
    this.confirmed = new BoundedMap(maxAnswers);
  }

  /** How many calls have begun so far. A call that begins after a token arrived counts for that token. */
  get callCount(): number {
    return this.count;
  }

  /** How many answers are stored. */
  get size(): number {
    return this.answers.size;
  }

  /**
   * Returns the claims in the answer; `null` when the issuer confirmed the token without claims.
   *
   * @throws the error of the `TokenStatusSource`.
   * @throws {AuthUnavailableError} when too many unknown tokens wait, in all or from the same network.
   */
  async ask(request: IntrospectionRequest): Promise<JsonObject | null> {
    const key = createHash('sha256').update(request.text).digest('base64');
    const known = this.answers.get(key);
    const answer = known !== undefined && this.holds(known, request) ? known : await this.joinCall(key, request);
    if (answer.refusal !== null) throw answer.refusal;
    return answer.introspected;
  }

  /** Removes all answers, when the app stops. */
  close(): void {
    this.answers.clear();
    this.timer.clear();
  }

  /** Waits for a call for the same token that began late enough, or starts one. */
  private joinCall(key: string, request: IntrospectionRequest): Promise<Answer> {
    const pending = this.calls.get(key);
    if (pending === undefined) return this.startCall(key, request);
    const isLateEnough =
      pending.number > request.arrival.callsBefore || this.isWithin(pending.askedAt, this.acceptedAgeMs);
    // If the issuer does not answer the pending call, the same holds for those that wait for it.
    return isLateEnough ? pending.answer : (pending.next ??= pending.answer.then(() => this.joinCall(key, request)));
  }

  private startCall(key: string, request: IntrospectionRequest): Promise<Answer> {
    this.count += 1;
    const began = { askedAt: this.now(), number: this.count };
    const answer = this.call(key, request)
      .then((outcome) => this.store(key, { ...outcome, ...began }))
      .finally(() => {
        this.calls.delete(key);
      });
    this.calls.set(key, { ...began, answer, next: null });
    return answer;
  }

  private async call(
    key: string,
    { text, claims, statusSource, isVerified, arrival }: IntrospectionRequest,
  ): Promise<Pick<Answer, 'introspected' | 'refusal'>> {
    const isKnown = isVerified || this.confirmed.has(key);
    const ask = (): Promise<JsonObject | null> => statusSource.ask(text, claims, { isKnown });
    try {
      const introspected = await (isKnown ? ask() : this.askInTurn(ask, arrival));
      this.confirmed.set(key, true);
      return { introspected, refusal: null };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.confirmed.delete(key);
      return { introspected: null, refusal: error };
    }
  }

  private askInTurn(ask: () => Promise<JsonObject | null>, { findNetwork }: Arrival): Promise<JsonObject | null> {
    return this.unknown.run(ask, { group: findNetwork() ?? '', patienceMs, toError: tooMany });
  }

  /** Stores an answer, and removes the oldest ones that are too old or exceed the capacity. */
  private store(key: string, answer: Answer): Answer {
    // Deleted first, because `set` alone would leave a known key at its former position.
    this.answers.delete(key);
    this.answers.set(key, answer);
    for (const [oldest, each] of this.answers) {
      if (this.answers.size <= this.maxAnswers && this.isKept(each)) break;
      this.answers.delete(oldest);
    }
    this.scheduleSweep();
    return answer;
  }

  /** Removes answers by a timer, because there may be no further one whose arrival would remove them. */
  private scheduleSweep(): void {
    if (this.sweepIsScheduled || this.answers.size === 0) return;
    this.sweepIsScheduled = true;
    this.timer.set(sharedMs, () => {
      this.sweepIsScheduled = false;
      for (const [key, answer] of this.answers) if (!this.isKept(answer)) this.answers.delete(key);
      this.scheduleSweep();
    });
  }

  /** A refusal is kept for as long as it can be shared. */
  private isKept({ askedAt, refusal }: Answer): boolean {
    return this.isWithin(askedAt, refusal === null ? Math.max(this.acceptedAgeMs, sharedMs) : sharedMs);
  }

  private holds({ number, askedAt, refusal }: Answer, { arrival }: IntrospectionRequest): boolean {
    if (number > arrival.callsBefore && this.isWithin(askedAt, sharedMs)) return true;
    return refusal === null && this.isWithin(askedAt, this.acceptedAgeMs);
  }

  /** A negative age means that the clock was set back: then the answer is not used, because its real age is unknown. */
  private isWithin(askedAt: number, ageMs: number): boolean {
    const age = this.now() - askedAt;
    return age >= 0 && age < ageMs;
  }

  private now(): number {
    return this.clock.now().getTime();
  }
}

function tooMany(): AuthUnavailableError {
  return new AuthUnavailableError('Too many unknown tokens wait for an answer of their issuer', 1);
}
