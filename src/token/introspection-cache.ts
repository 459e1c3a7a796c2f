import type { Clock } from '../clock/clock.js';
import { isRefusal, type RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from './json-object.js';
import { detachedString } from './base64url.js';
import type { TokenStatusSource } from './trusted-issuer.js';

/** A token to introspect. */
export interface IntrospectionRequest {
  readonly text: string;
  /** The claims in the token itself; `null` for an opaque token. */
  readonly claims: JsonObject | null;
  readonly statusSource: TokenStatusSource;
  /** The value of `answerCount` when the token arrived. */
  readonly answersBefore: number;
}

/** The answer of an issuer about a token. */
interface Answer {
  /** The claims in the answer; `null` when the issuer refused the token or confirmed it without claims. */
  readonly introspected: JsonObject | null;
  readonly refusal: RefusalError | null;
  /** When the call started, in milliseconds since 1970. */
  readonly askedAt: number;
  /** The value of `answerCount` with this answer included. */
  readonly number: number;
}

const defaultMaxAnswers = 10_000;
/** How old an answer may be that arrived between the arrival of a token and its introspection, and is used for it. */
const sharedMs = 5_000;

/**
 * Introspects tokens. Requests with the same token share one call, and a confirmation is used again until it is older
 * than `acceptedAgeMs`. Answers are stored by the exact text of the token.
 */
export class IntrospectionCache {
  private count = 0;
  /** Calls that are not answered yet, by the text of the token. */
  private readonly calls = new Map<string, Promise<Answer>>();
  /** In the order of arrival, the oldest first. */
  private readonly answers = new Map<string, Answer>();

  constructor(
    private readonly clock: Clock,
    /** How long a confirmation is used again; 0 for never. A refusal is not used again. */
    private readonly acceptedAgeMs: number,
    private readonly maxAnswers = defaultMaxAnswers,
  ) {}

  /** How many answers have arrived so far. An answer that arrives after a token counts for that token. */
  get answerCount(): number {
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
   */
  async ask(request: IntrospectionRequest): Promise<JsonObject | null> {
    const known = this.answers.get(request.text);
    const answer = known !== undefined && this.holds(known, request) ? known : await this.joinCall(request);
    if (answer.refusal !== null) throw answer.refusal;
    return answer.introspected;
  }

  /** Waits for the pending call for the same token, or starts one. */
  private joinCall(request: IntrospectionRequest): Promise<Answer> {
    const { text } = request;
    const call =
      this.calls.get(text) ??
      this.startCall(request).finally(() => {
        this.calls.delete(text);
      });
    this.calls.set(text, call);
    return call;
  }

  private async startCall({ text, claims, statusSource }: IntrospectionRequest): Promise<Answer> {
    const askedAt = this.now();
    const outcome = await statusSource.ask(text, claims).then(
      (introspected) => ({ introspected, refusal: null }),
      (error: unknown) => {
        if (!isRefusal(error)) throw error;
        return { introspected: null, refusal: error };
      },
    );
    this.count += 1;
    const answer: Answer = { ...outcome, askedAt, number: this.count };
    this.store(text, answer);
    return answer;
  }

  /** Stores an answer, and removes the oldest ones that are too old or exceed the capacity. */
  private store(text: string, answer: Answer): void {
    // Deleted first, because `set` alone would leave a known text at its former position.
    this.answers.delete(text);
    this.answers.set(detachedString(text), answer);
    for (const [oldest, { askedAt }] of this.answers) {
      if (this.answers.size <= this.maxAnswers && this.isWithin(askedAt, Math.max(this.acceptedAgeMs, sharedMs))) break;
      this.answers.delete(oldest);
    }
  }

  private holds({ number, askedAt, refusal }: Answer, { answersBefore }: IntrospectionRequest): boolean {
    if (number > answersBefore && this.isWithin(askedAt, sharedMs)) return true;
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
