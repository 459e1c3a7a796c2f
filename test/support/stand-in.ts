/** An issuer on this machine that signs tokens in the name of a provider, to test the provider's preset. */
import { afterAll, beforeAll } from 'vitest';
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import { claimMapsOf } from '../../src/open-providers.js';
import type { TestAlgorithm } from '../../src/testing/signing-key.js';
import { TestIssuer } from '../../src/testing/test-issuer.js';
import type { JsonObject } from '../../src/token/json-object.js';
import type { AuthUser } from '../../src/user/auth-user.js';
import { toAuthUser } from '../../src/user/verified-user.js';
import { ManualClock } from './manual-clock.js';
import { openVerifier } from './opened-verifier.js';
import { errorOf } from './outcome.js';

/** The outcome for one token. */
interface Judged {
  /** `'accepted'`, or code and reason, as `outcomeOf` returns it. */
  readonly outcome: string;
  /** The explanation of a refusal. */
  readonly explanation: string | undefined;
  /** The user of an accepted token. */
  readonly user: AuthUser | undefined;
  /** The addresses of the key requests, in order. */
  readonly fetched: readonly string[];
}

/** Signs a token with these claims and this header, and verifies it with the preset. */
export type Judge = (provider: IdentityProvider, claims: JsonObject, header?: JsonObject) => Promise<Judged>;

/**
 * One issuer for a spec: its keys are served for every address that a preset requests, the provider's own included. The
 * current time is a minute after `issuedAt`.
 */
export function standIn(algorithm: TestAlgorithm): Judge {
  const clock = new ManualClock();
  clock.advanceSeconds(60);
  let issuer: TestIssuer;
  beforeAll(async () => {
    issuer = await TestIssuer.start({ algorithm, clock });
  }, 60_000);
  afterAll(() => issuer.stop());

  return async (provider, claims, header = {}) => {
    const fetched: string[] = [];
    const { verifier } = openVerifier(provider, {
      clock,
      fetch: (url, init) => {
        fetched.push(url);
        return globalThis.fetch(issuer.jwksUri, init);
      },
    });
    const text = await issuer.token(claims, { header });
    let user: AuthUser | undefined;
    const error = await errorOf(async () => {
      const verified = await verifier.verify(text);
      const claimMap = claimMapsOf([provider]).get(verified.issuer);
      user = claimMap && toAuthUser(text, verified, claimMap);
    });
    const outcome = error === undefined ? 'accepted' : [error.code, error.reason].filter(Boolean).join(' ');
    return { outcome, explanation: error?.explanation, user, fetched };
  };
}

/** The `iat` of the tokens of these specs, in seconds since 1970. */
export const issuedAt = 1_767_225_600;
