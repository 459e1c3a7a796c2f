/** An issuer that answers questions about tokens when the test says so, one after the other. */
import type { JsonObject } from '../../src/token/json-object.js';
import type { TokenStatusSource } from '../../src/token/trusted-issuer.js';

interface Waiting {
  readonly resolve: (introspected: JsonObject | null) => void;
  readonly reject: (error: Error) => void;
}

export class PendingStatusSource implements TokenStatusSource {
  /** The tokens that it was asked about. */
  readonly asked: string[] = [];
  /** What was said of them to it. */
  readonly claims: (JsonObject | null)[] = [];
  private readonly waiting: Waiting[] = [];

  constructor(readonly acceptsOpaqueTokens = true) {}

  ask(token: string, claims: JsonObject | null): Promise<JsonObject | null> {
    this.asked.push(token);
    this.claims.push(claims);
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  answer(introspected: JsonObject | null): void {
    this.first().resolve(introspected);
  }

  fail(error: Error): void {
    this.first().reject(error);
  }

  private first(): Waiting {
    const waiting = this.waiting.shift();
    if (waiting === undefined) throw new Error('Nobody asks');
    return waiting;
  }
}
