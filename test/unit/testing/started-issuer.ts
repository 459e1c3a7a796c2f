import { afterEach } from 'vitest';
import { TestIssuer } from '../../../src/testing/test-issuer.js';
import type { TestIssuerOptions } from '../../../src/testing/test-issuer-options.js';

const started: TestIssuer[] = [];

/** An issuer that stops after the test; ES256, because its keys are quick to make. */
export async function start(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const issuer = await TestIssuer.start({ algorithm: 'ES256', ...options });
  started.push(issuer);
  return issuer;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((issuer) => issuer.stop()));
});

export const openIdPath = '/.well-known/openid-configuration';
export const oauthPath = '/.well-known/oauth-authorization-server';

export async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url, { redirect: 'manual' });
  await answer.arrayBuffer();
  return answer.status;
}

/** The `code` of the system error under a failed fetch. */
export async function failureOf(pending: Promise<unknown>): Promise<unknown> {
  const error: unknown = await pending.then(
    () => 'no failure',
    (reason: unknown) => reason,
  );
  return ((error as Error).cause as { code?: unknown } | undefined)?.code ?? (error as Error).name;
}
