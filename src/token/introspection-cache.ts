import type { Clock } from '../clock/clock.js';
import { isRefusal, type RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from './json-object.js';
import { detachedString } from './base64url.js';
import type { TokenStatusSource } from './trusted-issuer.js';

/** A token that has to be asked about. */
export interface Question {
  readonly text: string;
  /** What the token itself says; `null` for an opaque one. */
  readonly claims: JsonObject | null;
  readonly statusSource: TokenStatusSource;
  /** Where `answered` stood when the token came. */
  readonly cameAt: number;
}

/** What an issuer said about a token, and when it was asked. */
interface Answer {
  readonly introspected: JsonObject | null;
  readonly refusal: RefusalError | null;
  readonly askedAt: number;
  /** Which answer it was. */
  readonly number: number;
}

const mostAnswers = 10_000;
/** How long a token may be looked at here before its issuer is asked, and still find that somebody else has done so. */
const sharedMs = 5_000;

/**
 * Asks issuers about tokens: by one call for all who come with the same token before it is answered, and by none
 * where the app takes a yes that is not older than so many seconds. Answers are kept by the token's exact text.
 */
export class IntrospectionCache {
  private count = 0;
  private readonly flights = new Map<string, Promise<Answer>>();
  /** The oldest first, as each is put at the end. */
  private readonly answers = new Map<string, Answer>();

  constructor(
    private readonly clock: Clock,
    private readonly acceptedAgeMs: number,
    private readonly maxAnswers = mostAnswers,
  ) {}

  /** How many answers there were so far. One that comes after a token came is for it as well. */
  get answered(): number {
    return this.count;
  }

  /** How many answers are kept. */
  get size(): number {
    return this.answers.size;
  }

  /** @throws what the statusSource throws. */
  async ask(question: Question): Promise<JsonObject | null> {
    const { text } = question;
    const known = this.answers.get(text);
    const answer = known !== undefined && this.holds(known, question) ? known : await this.join(question);
    if (answer.refusal !== null) throw answer.refusal;
    return answer.introspected;
  }

  /** Waits with those who ask about the same token, or starts. */
  private join(question: Question): Promise<Answer> {
    const { text } = question;
    const flight =
      this.flights.get(text) ??
      this.call(question).finally(() => {
        this.flights.delete(text);
      });
    this.flights.set(text, flight);
    return flight;
  }

  private async call({ text, claims, statusSource }: Question): Promise<Answer> {
    const askedAt = this.now();
    const said = await statusSource.ask(text, claims).then(
      (introspected) => ({ introspected, refusal: null }),
      (error: unknown) => {
        if (!isRefusal(error)) throw error;
        return { introspected: null, refusal: error };
      },
    );
    this.count += 1;
    const answer: Answer = { ...said, askedAt, number: this.count };
    this.keep(text, answer);
    return answer;
  }

  private keep(text: string, answer: Answer): void {
    this.answers.delete(text);
    this.answers.set(detachedString(text), answer);
    for (const [oldest, { askedAt }] of this.answers) {
      if (this.answers.size <= this.maxAnswers && this.isWithin(askedAt, Math.max(this.acceptedAgeMs, sharedMs))) break;
      this.answers.delete(oldest);
    }
  }

  private holds({ number, askedAt, refusal }: Answer, { cameAt }: Question): boolean {
    if (number > cameAt && this.isWithin(askedAt, sharedMs)) return true;
    return refusal === null && this.isWithin(askedAt, this.acceptedAgeMs);
  }

  /** A clock that was put back must not keep an answer for as long as it was ahead. */
  private isWithin(askedAt: number, ageMs: number): boolean {
    const age = this.now() - askedAt;
    return age >= 0 && age < ageMs;
  }

  private now(): number {
    return this.clock.now().getTime();
  }
}
