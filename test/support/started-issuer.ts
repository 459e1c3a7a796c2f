/** Issuers of unit tests: each stops after the test that started it. */
import { afterEach } from 'vitest';
import { TestIssuer } from '../../src/testing/test-issuer.js';
import type { TestIssuerOptions } from '../../src/testing/test-issuer-options.js';

const started: TestIssuer[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((issuer) => issuer.stop()));
});

/** ES256 unless the options say otherwise, because its keys are quick to make. */
export async function startIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const issuer = await TestIssuer.start({ algorithm: 'ES256', ...options });
  started.push(issuer);
  return issuer;
}
