/** Issuers of unit tests. Each one stops after the test that started it. */
import { afterEach } from 'vitest';
import { TestIssuer } from '../../src/testing/test-issuer.js';
import type { TestIssuerOptions } from '../../src/testing/test-issuer-options.js';

const started: TestIssuer[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((issuer) => issuer.stop()));
});

/** ES256 by default, because its keys are fast to create. */
export async function startIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const issuer = await TestIssuer.start({ algorithm: 'ES256', ...options });
  started.push(issuer);
  return issuer;
}
