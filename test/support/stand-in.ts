/** An issuer on this machine that signs in a provider's name, to see what its preset makes of the tokens. */
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

/** What became of one token. */
interface Judged {
  /** `'accepted'`, or code and reason, as `outcomeOf` has it. */
  readonly outcome: string;
  /** What the log says of a refusal. */
  readonly explanation: string | undefined;
  /** The user that an accepted token speaks of. */
  readonly user: AuthUser | undefined;
  /** The addresses that were called for keys, in order. */
  readonly fetched: readonly string[];
}

/** Signs a token with these claims and this header, and gives what the preset makes of it. */
export type Judge = (provider: IdentityProvider, claims: JsonObject, header?: JsonObject) => Promise<Judged>;

/**
 * One for a spec: its keys answer whatever address a preset asks for keys, the provider's own included. Now is a
 * minute after `issuedAt`.
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

/** When the tokens of these specs were issued, in seconds since 1970. */
export const issuedAt = 1_767_225_600;
