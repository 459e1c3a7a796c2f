/** Scenarios of keys: real tokens, a key server that counts requests, and a clock and a timer that the test advances. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { FetchedKeysOptions } from '../../../src/issuers/remote-keys.js';
import { jwtIssuer } from '../../../src/issuers/jwt-issuer.js';
import type { KeySource } from '../../../src/keys/key-source.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import type { TokenVerifier } from '../../../src/token/token-verifier.js';
import { ManualTimer } from '../../support/manual-timer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { KeyEndpoint } from '../../support/key-endpoint.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { outcomeOf } from '../../support/outcome.js';
import { startIssuer } from '../../support/started-issuer.js';

export const hour = 3_600;

/** Long enough for a loopback call on a busy machine, and short enough to wait for a server that hangs. */
const timeoutMs = 500;

export class KeyStory {
  private tokens = 0;

  private constructor(
    readonly clock: ManualClock,
    readonly timer: ManualTimer,
    /** The issuer that signs. Its own server is not called, because the keys are at the endpoint. */
    readonly issuer: TestIssuer,
    readonly endpoint: KeyEndpoint,
    readonly verifier: TokenVerifier,
    readonly keys: KeySource,
    readonly events: readonly AuthEvent[],
  ) {}

  /** A verifier that has not fetched any key. */
  static async begin(optionsFor: (issuer: TestIssuer) => FetchedKeysOptions = () => ({})): Promise<KeyStory> {
    const [clock, timer] = [new ManualClock(), new ManualTimer()];
    const issuer = await startIssuer({ clock });
    const endpoint = await KeyEndpoint.open(issuer.jwks);
    const terms = { issuer: issuer.url, audience: 'api', jwksUri: endpoint.jwksUri };
    const provider = jwtIssuer({ ...terms, ...optionsFor(issuer) });
    const opened = openVerifier(provider, { clock, timeoutMs, createTimer: () => timer });
    const { keys } = opened.issuers.get(issuer.url);
    return new KeyStory(clock, timer, issuer, endpoint, opened.verifier, keys, opened.events);
  }

  /** A verifier that has verified a first token, and therefore has fetched the keys. */
  static async beginWarm(options: FetchedKeysOptions = {}): Promise<KeyStory> {
    const story = await KeyStory.begin(() => options);
    expect([await story.verifyNew(), story.endpoint.reached]).toEqual(['accepted', 1]);
    return story;
  }

  /** A new valid token that expires in three days. */
  token(): Promise<string> {
    this.tokens += 1;
    return this.issuer.token({ aud: 'api', jti: this.tokens }, { expiresIn: '3d' });
  }

  verify(token: string): Promise<string> {
    return outcomeOf(this.verifier.verify(token));
  }

  /** Verifies a new valid token of the current key, which no cache of tokens can contain. */
  async verifyNew(): Promise<string> {
    return this.verify(await this.token());
  }

  /** A token with an unknown key id. It is not signed, because its signature is never checked. */
  madeUp(kid = `made-up-${randomBytes(9).toString('hex')}`): string {
    const now = Math.floor(this.clock.now().getTime() / 1_000);
    const header = encode({ alg: 'ES256', typ: 'JWT', kid });
    const claims = encode({ iss: this.issuer.url, aud: 'api', sub: 'stranger', iat: now, exp: now + 300 });
    return `${header}.${claims}.${Buffer.alloc(64, 1).toString('base64url')}`;
  }

  /** The issuer signs with a new key. The endpoint publishes it at once by default. */
  async rotate({ keepOld, shown = true }: { keepOld: boolean; shown?: boolean }): Promise<void> {
    await this.issuer.rotateKeys({ keepOld });
    if (shown) this.endpoint.shown = this.issuer.jwks;
  }

  /** Advances the clock by the time that the timer was set to, and fires it. @returns the seconds */
  advanceToTimer(): number {
    const seconds = (this.timer.delayMs ?? Number.NaN) / 1_000;
    this.clock.advanceSeconds(seconds);
    this.timer.ring();
    return seconds;
  }

  eventTypes(): readonly string[] {
    return this.events.map(({ type }) => type);
  }
}

/** Runs a function many times concurrently. @returns the distinct outcomes */
export async function outcomesOf(times: number, run: () => Promise<string>): Promise<readonly string[]> {
  return [...new Set(await Promise.all(Array.from({ length: times }, run)))];
}

/** Waits until a thousand concurrent tokens have reached the keys, because the verifier admits a few at a time. */
export async function crowdHasCome(): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise(setImmediate);
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
