import { describe, expect, it } from 'vitest';
import { IndexedKeySet } from '../../../src/keys/key-set.js';
import { StaticKeySource } from '../../../src/keys/key-source.js';
import { IssuerRegistry } from '../../../src/token/issuer-registry.js';
import type { TrustedIssuer } from '../../../src/token/trusted-issuer.js';
import { AnsweringStatusSource, setUpAsking } from '../../support/asking-verifier.js';
import { issuerTerms, localIssuer } from '../../support/issuer-terms.js';
import { configurationErrorOf, errorOf, outcomeOf } from '../../support/outcome.js';

describe('an opaque token', () => {
  const opaque = 'ory_at_2fK-x.Y~z+/=';

  it('is never shown to an issuer when it is a refresh token of this package', async () => {
    const { verifier, statusSource, said } = await setUpAsking();
    statusSource.answer = said;
    for (const ask of ['verify', 'verifyOnline'] as const) {
      expect(await outcomeOf(() => verifier[ask]('grt_7hJ2kQ'))).toBe('INVALID_TOKEN type');
      expect(await outcomeOf(() => verifier[ask]('goc_7hJ2kQ'))).toBe('INVALID_TOKEN type');
    }
    expect(statusSource.asked).toBe(0);
  });

  it('is sent to the issuer, and checked with its terms', async () => {
    for (const verification of ['local', 'online', 'hybrid'] as const) {
      const { verifier, statusSource, said, issuer, now } = await setUpAsking({ verification });
      statusSource.answer = { ...said, iss: undefined, scope: 'read' };

      expect(await verifier.verify(opaque)).toEqual({
        issuer: issuer.url,
        header: { alg: 'none' },
        claims: statusSource.answer,
        expiresAt: new Date((now + 300) * 1_000),
      });
    }
  });

  it.each([
    ['INVALID_TOKEN issuer', { iss: 'https://other.example' }],
    ['INVALID_TOKEN audience', { aud: 'other' }],
    ['INVALID_TOKEN audience', { aud: undefined }],
    ['INVALID_TOKEN claim', { exp: undefined }],
    ['INVALID_TOKEN claim', { sub: undefined }],
    ['INVALID_TOKEN expired', { exp: 1_000 }],
  ])('is refused when the response lacks a claim: %s', async (outcome, changes) => {
    const { verifier, statusSource, said } = await setUpAsking();
    statusSource.answer = { ...said, ...changes };

    expect(await outcomeOf(verifier.verify(opaque))).toBe(outcome);
  });

  it('is refused when the issuer does not know it', async () => {
    const { verifier } = await setUpAsking();

    expect(await outcomeOf(verifier.verify(opaque))).toBe('INVALID_TOKEN claim');
  });

  it.each([
    ['no text of a token', 'a\u0000b'],
    ['no ASCII', 'tökén'],
    ['empty', ''],
    ['too long', 'x'.repeat(16 * 1_024 + 1)],
    ['a broken JWT', 'aaa.bbb.ccc'],
    ['a JWT without a signature', 'eyJhbGciOiJub25lIn0.e30.'],
  ])('is not sent to the issuer when it is %s', async (_, text) => {
    const { verifier, statusSource } = await setUpAsking();

    expect((await errorOf(verifier.verify(text)))?.code).toBe('INVALID_TOKEN');
    expect(statusSource.asked).toBe(0);
  });

  it('is malformed when no issuer introspects opaque tokens', async () => {
    for (const statusSource of [null, new AnsweringStatusSource(false)]) {
      const { verifier } = await setUpAsking({ verification: 'local', statusSource });

      expect(await outcomeOf(verifier.verify(opaque))).toBe('INVALID_TOKEN malformed');
    }
  });

  it('may be of any name of the issuer', async () => {
    const { verifier, statusSource, said } = await setUpAsking({ alias: 'https://alias.example' });
    statusSource.answer = { ...said, iss: 'https://alias.example' };

    expect((await verifier.verify(opaque)).issuer).toBe('https://alias.example');
  });

  it('has exactly one issuer, or the app does not start', () => {
    const keys = new StaticKeySource(new IndexedKeySet([]));
    const asking = (issuer: string, statusSource: AnsweringStatusSource): TrustedIssuer => ({
      ...localIssuer(issuerTerms({ issuer }), keys),
      statusSource,
    });
    const shared = new AnsweringStatusSource();
    const both = (): IssuerRegistry =>
      new IssuerRegistry([asking('a', shared), asking('b', new AnsweringStatusSource())]);

    expect(configurationErrorOf(both).message).toContain('two issuers accept opaque tokens: a and b');
    expect(new IssuerRegistry([asking('a', shared), asking('b', shared)]).opaqueIssuer?.terms.issuer).toBe('a');
    const silent = new AnsweringStatusSource(false);
    expect(new IssuerRegistry([asking('a', silent), asking('b', shared)]).opaqueIssuer?.terms.issuer).toBe('b');
    expect(new IssuerRegistry([asking('a', silent)]).opaqueIssuer).toBeUndefined();
  });
});
