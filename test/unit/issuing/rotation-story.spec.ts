/** Two instances of an app, which sign and verify each other's tokens while keys are rotated. */
import { expect, it } from 'vitest';
import { JwtSigner } from '../../../src/issuing/jwt-signer.js';
import { OwnKeySource } from '../../../src/issuing/own-key-source.js';
import type { SigningKeys } from '../../../src/issuing/signing-keys.js';
import { IssuerRegistry } from '../../../src/token/issuer-registry.js';
import { TokenVerifier } from '../../../src/token/token-verifier.js';
import { VerifiedTokenCache } from '../../../src/token/verified-token-cache.js';
import { issuerTerms, localIssuer } from '../../support/issuer-terms.js';
import { type App, day, kidOf, openApp, settle } from '../../support/shared-signing-keys.js';

interface Instance {
  readonly keys: SigningKeys;
  readonly sign: () => Promise<string>;
  readonly verify: (token: string) => Promise<string>;
}

function startInstance({ clock, events, start }: App): Instance {
  const keys = start();
  const signer = new JwtSigner(() => keys);
  const source = new OwnKeySource({ findSigningKeys: () => keys, clock, report: (event) => events.push(event) });
  const issuer = localIssuer(issuerTerms({ algorithms: new Set(['ES256']), tokenType: 'at+jwt' }), source);
  const verifier = new TokenVerifier({
    issuers: new IssuerRegistry([issuer]),
    clock,
    cache: new VerifiedTokenCache(100, clock),
    claimsCheck: null,
    onlineVerdictSeconds: 0,
  });
  let count = 0;
  return {
    keys,
    sign: () => {
      const now = Math.floor(clock.now().getTime() / 1_000);
      count += 1;
      return signer.sign('at+jwt', { iss: 'joe', sub: 'u1', jti: String(count), iat: now, exp: now + 600 });
    },
    verify: async (token) => {
      const outcome = await verifier.verify(token).then(
        () => 'verified',
        (error: unknown) => (error as { readonly reason: string }).reason,
      );
      return outcome;
    },
  };
}

it('verifies every token in both instances as long as it lives, for a year with four rotations', async () => {
  const app = openApp();
  const instances = [startInstance(app), startInstance(app)] as const;
  const kids = new Set<string>();
  for (let step = 0; step < 365 * 2; step += 1) {
    // One instance is used rarely, so that it knows less than the other one.
    const [signing, other] = step % 5 === 0 ? [instances[1], instances[0]] : instances;
    const token = await signing.sign();
    kids.add(await kidOf(signing.keys));
    if (step % 3 === 0) expect(await other.verify(token)).toBe('verified');
    expect(await signing.verify(token)).toBe('verified');
    app.clock.advanceSeconds(599);
    expect([await signing.verify(token), await other.verify(token)]).toEqual(['verified', 'verified']);
    app.clock.advanceSeconds(1);
    expect([await signing.verify(token), await other.verify(token)]).toEqual(['expired', 'expired']);
    app.clock.advanceSeconds(day / 2 - 600);
    await settle();
  }

  expect(kids.size).toBe(5);
  expect(app.store.keys.length).toBeLessThan(3);
  expect(app.events).toEqual([]);
});

it('verifies a token of a key that was rotated at once, and refuses those of a key that was removed', async () => {
  const app = openApp();
  const [one, other] = [startInstance(app), startInstance(app)];
  const before = await one.sign();
  const first = await kidOf(one.keys);
  expect(await other.verify(before)).toBe('verified');
  await one.keys.rotate();
  const after = await one.sign();
  expect([await one.verify(after), await other.verify(after), await other.verify(before)]).toEqual([
    'verified',
    'verified',
    'verified',
  ]);

  await app.store.remove([first]);
  app.clock.advanceSeconds(60);
  expect(await other.verify(after)).toBe('verified');
  await settle();
  expect([await other.verify(before), await other.verify(after)]).toEqual(['key', 'verified']);
});
