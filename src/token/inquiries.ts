import type { Clock } from '../clock/clock.js';
import type { JsonObject } from './json-object.js';
import type { TokenInquiry } from './token-inquiry.js';

/** What an issuer said about a token, and when it was asked. */
interface Answer {
  readonly vouched: JsonObject | null;
  readonly askedAt: number;
}

const mostAnswers = 10_000;

/**
 * Asks issuers about tokens: by one call for all who ask about the same token at once, and by none where the app
 * takes an answer that is not older than so many seconds. Only a yes is kept, by the token's exact text.
 */
export class Inquiries {
  private readonly flights = new Map<string, Promise<Answer>>();
  /** The oldest first, as each is put at the end. */
  private readonly answers = new Map<string, Answer>();

  constructor(
    private readonly clock: Clock,
    private readonly acceptedAgeMs: number,
    private readonly maxAnswers = mostAnswers,
  ) {}

  /** @throws what the inquiry throws. */
  async ask(text: string, claims: JsonObject | null, inquiry: TokenInquiry): Promise<JsonObject | null> {
    const known = this.answers.get(text);
    if (known !== undefined && this.isAccepted(known)) return known.vouched;
    // Kept until it is done: who asks meanwhile waits for the same answer.
    const flight = this.flights.get(text) ?? this.start(text, claims, inquiry);
    return (await flight).vouched;
  }

  /** How many answers are kept. */
  get size(): number {
    return this.answers.size;
  }

  private start(text: string, claims: JsonObject | null, inquiry: TokenInquiry): Promise<Answer> {
    const flight = this.call(text, claims, inquiry).finally(() => this.flights.delete(text));
    this.flights.set(text, flight);
    return flight;
  }

  private async call(text: string, claims: JsonObject | null, inquiry: TokenInquiry): Promise<Answer> {
    const askedAt = this.now();
    const answer = { vouched: await inquiry.ask(text, claims), askedAt };
    if (this.acceptedAgeMs > 0) this.keep(text, answer);
    return answer;
  }

  private keep(text: string, answer: Answer): void {
    this.answers.delete(text);
    this.answers.set(text, answer);
    for (const [oldest, { askedAt }] of this.answers) {
      if (this.answers.size <= this.maxAnswers && this.isAccepted({ askedAt })) break;
      this.answers.delete(oldest);
    }
  }

  /** A clock that was put back must not keep an answer for as long as it was ahead. */
  private isAccepted({ askedAt }: Pick<Answer, 'askedAt'>): boolean {
    const age = this.now() - askedAt;
    return age >= 0 && age < this.acceptedAgeMs;
  }

  private now(): number {
    return this.clock.now().getTime();
  }
}
