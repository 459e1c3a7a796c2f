/** Stories of keys: real tokens, a key server that counts what reaches it, a clock and an timer that the test moves. */
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

/** Long enough for a loopback call on a busy machine, short enough to be waited for where a server hangs. */
const timeoutMs = 500;

export class KeyStory {
  private tokens = 0;

  private constructor(
    readonly clock: ManualClock,
    readonly timer: ManualTimer,
    /** Who signs. Its own server is not asked: the keys are at the endpoint. */
    readonly issuer: TestIssuer,
    readonly endpoint: KeyEndpoint,
    readonly verifier: TokenVerifier,
    readonly keys: KeySource,
    readonly events: readonly AuthEvent[],
  ) {}

  /** Before any key is known. */
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

  /** After a first token, which had the keys fetched. */
  static async beginWarm(options: FetchedKeysOptions = {}): Promise<KeyStory> {
    const story = await KeyStory.begin(() => options);
    expect([await story.judgeNew(), story.endpoint.reached]).toEqual(['accepted', 1]);
    return story;
  }

  /** A good token of three days that anonymousCaller has seen yet. */
  token(): Promise<string> {
    this.tokens += 1;
    return this.issuer.token({ aud: 'api', jti: this.tokens }, { expiresIn: '3d' });
  }

  judge(token: string): Promise<string> {
    return outcomeOf(this.verifier.verify(token));
  }

  /** Judges a good token of the key that signs now, for which no memory of tokens can answer. */
  async judgeNew(): Promise<string> {
    return this.judge(await this.token());
  }

  /** What strangers send: a token with a key name that anonymousCaller has. Nobody has to sign it, as it never comes to that. */
  madeUp(kid = `made-up-${randomBytes(9).toString('hex')}`): string {
    const now = Math.floor(this.clock.now().getTime() / 1_000);
    const header = encode({ alg: 'ES256', typ: 'JWT', kid });
    const claims = encode({ iss: this.issuer.url, aud: 'api', sub: 'stranger', iat: now, exp: now + 300 });
    return `${header}.${claims}.${Buffer.alloc(64, 1).toString('base64url')}`;
  }

  /** The issuer signs with a new key; the endpoint shows it at once unless told otherwise. */
  async rotate({ keepOld, shown = true }: { keepOld: boolean; shown?: boolean }): Promise<void> {
    await this.issuer.rotateKeys({ keepOld });
    if (shown) this.endpoint.shown = this.issuer.jwks;
  }

  /** Lets the time pass that the timer was set to, and has it ring. @returns the seconds */
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

/** So many times at once. @returns each outcome that there was, once */
export async function outcomesOf(times: number, judge: () => Promise<string>): Promise<readonly string[]> {
  return [...new Set(await Promise.all(Array.from({ length: times }, judge)))];
}

/** Waits until a thousand at once have all come to the keys: a crowd is let in a few at a time, turn by turn. */
export async function crowdHasCome(): Promise<void> {
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise(setImmediate);
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
