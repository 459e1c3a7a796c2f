/** An issuer with introspection whose responses the test sends one by one. */
import type { JsonObject } from '../../src/token/json-object.js';
import type { TokenStatusSource } from '../../src/token/trusted-issuer.js';

interface Waiting {
  readonly resolve: (introspected: JsonObject | null) => void;
  readonly reject: (error: Error) => void;
}

export class PendingStatusSource implements TokenStatusSource {
  /** The tokens that it was called with. */
  readonly asked: string[] = [];
  /** What the verifier has passed about these tokens. */
  readonly claims: (JsonObject | null)[] = [];
  readonly about: ({ readonly isKnown: boolean } | undefined)[] = [];
  private readonly waiting: Waiting[] = [];

  constructor(readonly acceptsOpaqueTokens = true) {}

  ask(token: string, claims: JsonObject | null, about?: { readonly isKnown: boolean }): Promise<JsonObject | null> {
    this.asked.push(token);
    this.about.push(about);
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
