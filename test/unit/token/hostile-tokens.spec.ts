import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefusalError } from '../../../src/errors/auth-error.js';
import { publicKeyAlgorithms } from '../../../src/keys/algorithm.js';
import { IndexedKeySet } from '../../../src/keys/key-set.js';
import { readKeys } from '../../../src/keys/jwks-loader.js';
import { StaticKeySource } from '../../../src/keys/key-source.js';
import type { TestAlgorithm } from '../../../src/testing/signing-key.js';
import { IssuerRegistry } from '../../../src/token/issuer-registry.js';
import { TokenVerifier } from '../../../src/token/token-verifier.js';
import { VerifiedTokenCache } from '../../../src/token/verified-token-cache.js';
import { issuerTerms, localIssuer } from '../../support/issuer-terms.js';
import {
  createHostileTools,
  type HostileTools,
  harmlessTokens,
  hostileAudience,
  hostileNow,
  hostileTokens,
  rightTypes,
  wrongTypes,
} from '../../vectors/hostile-tokens.js';

/** One issuer for each algorithm, because generating RSA keys is slow. */
const tools = new Map<TestAlgorithm, Promise<HostileTools>>();

function toolsFor(algorithm: TestAlgorithm = 'ES256'): Promise<HostileTools> {
  const known = tools.get(algorithm) ?? createHostileTools(algorithm);
  tools.set(algorithm, known);
  return known;
}

// Generating the keys takes seconds on a busy machine, so it does not count for the timeout of a test.
beforeAll(async () => {
  const algorithms = new Set([...hostileTokens, ...harmlessTokens].map(({ algorithm }) => algorithm));
  await Promise.all([...algorithms].map((algorithm) => toolsFor(algorithm)));
}, 60_000);

afterAll(async () => {
  await Promise.all([...tools.values()].map(async (made) => (await made).issuer.stop()));
});

function verifierFor({ issuer }: HostileTools, tokenType: string | null = null): TokenVerifier {
  const terms = issuerTerms({
    issuer: issuer.url,
    audience: [hostileAudience],
    algorithms: new Set(publicKeyAlgorithms),
    tokenType,
    clockToleranceSeconds: 5,
  });
  const keys = new StaticKeySource(new IndexedKeySet(readKeys(issuer.jwks.keys)));
  const clock = { now: () => hostileNow };
  return new TokenVerifier({
    issuers: new IssuerRegistry([localIssuer(terms, keys)]),
    clock,
    cache: new VerifiedTokenCache(100, clock),
    claimsCheck: null,
  });
}

async function refusalOf(verifier: TokenVerifier, token: string): Promise<RefusalError> {
  const outcome: unknown = await verifier.verify(token).then(
    () => 'accepted',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(RefusalError);
  return outcome as RefusalError;
}

/** Checks that a log text is one short line and contains no part of the token that could be replayed. */
function expectFitForLog(explanation: string, token: string): void {
  const longParts = token.split('.').filter((part) => part.length > 40);
  const breaks = explanation.match(/[\p{Cc}\u2028\u2029]/gu) ?? [];

  expect(longParts.filter((part) => explanation.includes(part))).toEqual([]);
  expect(breaks).toEqual([]);
  expect(explanation.length).toBeLessThan(1_000);
}

/** Passes each name separately, because the placeholder `$name` cuts it at 40 characters. */
function byName<T extends { readonly name: string }>(table: readonly T[]): (readonly [string, T])[] {
  return table.map((token) => [token.name, token] as const);
}

describe('a hostile token', () => {
  it.each(byName(hostileTokens))('is refused: %s', async (_, { algorithm, make, reason }) => {
    const made = await toolsFor(algorithm);
    const token = make(made);
    const verifier = verifierFor(made);
    const refusal = await refusalOf(verifier, token);

    expect({ code: refusal.code, reason: refusal.reason }).toEqual({ code: 'INVALID_TOKEN', reason });
    expectFitForLog(refusal.explanation, token);

    // A valid token is cached first, so that a hostile token that resembles it would be found if the cache were wrong.
    await verifier.verify(made.goodToken);
    await verifier.verify(made.goodToken);
    expect(verifier.findVerified(made.goodToken)).toBeDefined();
    expect((await refusalOf(verifier, token)).reason).toBe(reason);
  });

  it('has a unique name', () => {
    const names = [...hostileTokens, ...wrongTypes, ...harmlessTokens, ...rightTypes].map(({ name }) => name);

    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it('causes no network request', async () => {
    const { issuer } = await toolsFor();

    expect(issuer.requests.total).toBe(0);
  });
});

describe('a harmless token', () => {
  it.each(byName(harmlessTokens))('is accepted: %s', async (_, { algorithm, make }) => {
    const made = await toolsFor(algorithm);
    const verified = await verifierFor(made).verify(make(made));

    expect(verified.issuer).toBe(made.issuer.url);
    expect(Object.getPrototypeOf(verified.claims)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(verified.header)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('a verifier that requires at+jwt', () => {
  it.each(byName(wrongTypes))('refuses %s', async (_, { make, reason }) => {
    const made = await toolsFor();

    expect((await refusalOf(verifierFor(made, 'at+jwt'), make(made))).reason).toBe(reason);
  });

  it.each(byName(rightTypes))('accepts %s', async (_, { make }) => {
    const made = await toolsFor();

    await expect(verifierFor(made, 'at+jwt').verify(make(made))).resolves.toMatchObject({ claims: { sub: 'alice' } });
  });
});
