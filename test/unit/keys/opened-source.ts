/** Key sources on real servers, with a clock that the test moves and a count of the calls they make. */
import { expect } from 'vitest';
import { AuthUnavailableError } from '../../../src/errors/auth-error.js';
import { keysAt } from '../../../src/issuers/remote-keys.js';
import type { KeySet } from '../../../src/keys/key-set.js';
import type { KeySource } from '../../../src/keys/key-source.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import type { TestIssuer } from '../../../src/testing/test-issuer.js';
import type { TestIssuerOptions } from '../../../src/testing/test-issuer-options.js';
import { ProviderClients } from '../../../src/upstream/provider-clients.js';
import type { Capability } from '../../../src/upstream/auth-context.js';
import { HttpClient } from '../../../src/upstream/http-client.js';
import { createdOf } from '../../support/created.js';
import { ManualTimer } from '../../support/manual-timer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { startIssuer } from '../../support/started-issuer.js';

export interface OpenedSource {
  readonly source: KeySource;
  readonly clock: ManualClock;
  readonly events: readonly AuthEvent[];
  /** What wakes the source up, when the test says so. */
  readonly timer: ManualTimer;
  /** The paths that were called, in order. */
  readonly calls: readonly string[];
}

/** Opens a source as the module does. */
export function openSource(keys: Capability<KeySource>): OpenedSource {
  const clock = new ManualClock();
  const events: AuthEvent[] = [];
  const calls: string[] = [];
  const send = (url: string, init: RequestInit): Promise<Response> => {
    calls.push(new URL(url).pathname);
    return fetch(url, init);
  };
  const upstream = new HttpClient({ fetch: send, limits: { timeoutMs: 1_000 } });
  const timer = new ManualTimer();
  const report = (event: AuthEvent): unknown => events.push(event);
  const source = createdOf(keys, {
    clock,
    upstream,
    providerClient: new ProviderClients({ clock }).get,
    report,
    createTimer: () => timer,
  });
  return { source, clock, timer, events, calls };
}

export interface OpenedIssuer extends OpenedSource {
  readonly issuer: TestIssuer;
}

/** A source on the key set of an issuer of its own. */
export async function openIssuer(options: TestIssuerOptions = {}): Promise<OpenedIssuer> {
  const issuer = await startIssuer(options);
  return { issuer, ...openSource(keysAt(issuer.jwksUri)) };
}

/** The same, after its first fetch. */
export async function openWarmIssuer(options: TestIssuerOptions = {}): Promise<OpenedIssuer> {
  const opened = await openIssuer(options);
  await opened.source.obtain(hasKid(kidOf(opened.issuer)));
  return opened;
}

/** The name of the key that the issuer signs with now. */
export function kidOf(issuer: TestIssuer): string {
  return issuer.publicKey.kid;
}

/** What a token that names this key wants of a set. */
export function hasKid(kid: string): (keys: KeySet) => boolean {
  return (keys) => keys.find(kid, 'ES256').kind !== 'unknown';
}

export function kidsOf(keys: KeySet | null): readonly (string | null)[] | null {
  return keys === null ? null : keys.keys.map(({ kid }) => kid);
}

/** The fault of something that must be one. */
export async function faultOf(attempt: Promise<unknown>): Promise<AuthUnavailableError> {
  const outcome: unknown = await attempt.then(
    () => 'no fault',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(AuthUnavailableError);
  return outcome as AuthUnavailableError;
}

/** Asks once, as the next request would, for keys that have grown old, and waits for the set that takes their place. */
export async function renewed(source: KeySource): Promise<KeySet> {
  const before = source.current();
  await expect.poll(() => source.current()).not.toBe(before);
  return setOf(source.current());
}

/** A set that must be there. */
function setOf(keys: KeySet | null): KeySet {
  if (keys === null) throw new Error('There are no keys');
  return keys;
}

/** Lets everything that was started without waiting make its call; a call starts within the turn it was asked in. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}
