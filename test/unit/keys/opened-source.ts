/** Key sources on real servers, with a clock that the test advances and a count of their calls. */
import { expect } from 'vitest';
import { AuthUnavailableError } from '../../../src/errors/auth-error.js';
import { keysFrom } from '../../../src/issuers/remote-keys.js';
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
  /** The timer of the source, which the test fires. */
  readonly timer: ManualTimer;
  /** The paths that were requested, in order. */
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

/** A source of the key set of a new issuer. */
export async function openIssuer(options: TestIssuerOptions = {}): Promise<OpenedIssuer> {
  const issuer = await startIssuer(options);
  return { issuer, ...openSource(keysFrom(issuer.jwksUri)) };
}

/** A source of the key set of a new issuer, after its first fetch. */
export async function openWarmIssuer(options: TestIssuerOptions = {}): Promise<OpenedIssuer> {
  const opened = await openIssuer(options);
  await opened.source.obtain(hasKid(kidOf(opened.issuer)));
  return opened;
}

/** The id of the issuer's current signing key. */
export function kidOf(issuer: TestIssuer): string {
  return issuer.publicKey.kid;
}

/** The condition of a token with this key id. */
export function hasKid(kid: string): (keys: KeySet) => boolean {
  return (keys) => keys.find(kid, 'ES256').kind !== 'unknown';
}

export function kidsOf(keys: KeySet | null): readonly (string | null)[] | null {
  return keys === null ? null : keys.keys.map(({ kid }) => kid);
}

/** The error of a promise that must reject with an AuthUnavailableError. */
export async function faultOf(attempt: Promise<unknown>): Promise<AuthUnavailableError> {
  const outcome: unknown = await attempt.then(
    () => 'no fault',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(AuthUnavailableError);
  return outcome as AuthUnavailableError;
}

/** Reads stale keys once, as the next request would, and waits for the set that replaces them. */
export async function renewed(source: KeySource): Promise<KeySet> {
  const before = source.current();
  await expect.poll(() => source.current()).not.toBe(before);
  return setOf(source.current());
}

/** A key set that must exist. */
function setOf(keys: KeySet | null): KeySet {
  if (keys === null) throw new Error('There are no keys');
  return keys;
}

/** Lets everything that runs in the background start its call, which happens within the current turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}
