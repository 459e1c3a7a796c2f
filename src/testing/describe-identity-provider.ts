import assert from 'node:assert/strict';

import { SystemClock } from '../clock/clock.js';
import { isAuthError } from '../errors/auth-error.js';
import { type IdentityProvider, isIdentityProvider } from '../issuers/identity-provider.js';
import { claimMapsOf, openIssuers } from '../open-providers.js';
import { readAuthOptions } from '../read-auth-options.js';
import { resolveAuthOptions } from '../resolve-auth-options.js';
import { IssuerKeys } from '../token/issuer-keys.js';
import { acceptAnyAudience } from '../token/trusted-issuer.js';
import { TokenVerifier } from '../token/token-verifier.js';
import { VerifiedTokenCache } from '../token/verified-token-cache.js';
import type { AuthContext, Capability } from '../upstream/auth-context.js';
import { ProviderClients } from '../upstream/provider-clients.js';
import type { AuthUser } from '../user/auth-user.js';
import { toAuthUser } from '../user/verified-user.js';
import type { TestIssuer } from './test-issuer.js';
import { globalTestRunner, type TestRunner } from './test-globals.js';
import type { TestClaims } from './test-issuer-options.js';

/** A provider that `describeIdentityProvider` tests, with the issuer whose tokens it accepts. */
export interface ProviderUnderTest {
  readonly provider: IdentityProvider;
  /** Signs the tokens of the test. The provider gets its keys from it. */
  readonly issuer: TestIssuer;
  /** The claims of a token that the provider accepts; `iss` when it is not the `url` of the issuer. @defaultValue {} */
  readonly claims?: TestClaims;
  /** Whether the provider fetches its keys, so that it depends on the issuer being reachable. @defaultValue true */
  readonly fetchesKeys?: boolean;
  /** Ends what the factory has started. */
  close?(): void | Promise<void>;
}

/**
 * Tests an identity provider that `defineProvider` has described: that it accepts the tokens of its issuer and no
 * others, makes users of them, and answers an outage with a fault and not with a refusal.
 *
 * ```ts
 * describeIdentityProvider('acmeId', async () => {
 *   const issuer = await TestIssuer.start();
 *   const provider = acmeId({ address: issuer.url });
 *   return { provider, issuer, claims: { aud: 'api' }, close: () => issuer.stop() };
 * });
 * ```
 *
 * @param create makes a new provider and a new issuer for each test.
 * @param runner the functions of the test runner. @defaultValue the globals `describe` and `it`, which Jest
 * has, and Vitest with `globals: true`
 * @throws {TypeError} when there are no such globals.
 */
export function describeIdentityProvider(
  name: string,
  create: () => ProviderUnderTest | Promise<ProviderUnderTest>,
  runner: TestRunner = globalTestRunner('describeIdentityProvider'),
): void {
  const { describe, it } = runner;
  const test = (title: string, run: (opened: OpenedProvider) => Promise<void>): void => {
    it(title, async () => {
      const opened = new OpenedProvider(await create());
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });
  };
  describe(`The identity provider ${name}`, () => {
    testForm(test);
    testTokens(test);
    testOutage(test);
  });
}

type DefineTest = (title: string, run: (opened: OpenedProvider) => Promise<void>) => void;

function testForm(test: DefineTest): void {
  test('is frozen, is accepted by AuthModule, and makes no calls before the first token', async (opened) => {
    const { provider, issuer } = opened.under;
    const { providers } = resolveAuthOptions(readAuthOptions('AuthModule.forRoot', { issuers: provider }));
    assert.strictEqual(providers.length, 1);
    assert.strictEqual(isIdentityProvider(provider), true);
    assert.deepStrictEqual(findUnfrozen(provider, 'provider'), []);
    assert.strictEqual(await opened.tokenIsRead(), true);
    assert.strictEqual(issuer.requests.total, 0);
  });

  test('names the option and a hint for each capability that is missing', async ({ under: { provider } }) => {
    const { issuers, profiles, permissions } = provider;
    const capabilities = [
      profiles,
      permissions,
      ...issuers.flatMap(({ keys, introspection }) => [keys, introspection]),
    ];
    assert.deepStrictEqual(
      capabilities.filter((capability) => !isComplete(capability)),
      [],
    );
    await Promise.resolve();
  });

  test('maps claims of any form without throwing', async ({ under: { provider } }) => {
    const strange = ['sub', 'email', 'email_verified', 'name', 'roles', 'scope', 'permissions', 'org_id'];
    for (const value of [7, null, '', [], {}, [7, null], { id: 7 }]) {
      const mapped = provider.claimMap.map(Object.fromEntries(strange.map((claim) => [claim, value])));
      assert.strictEqual(typeof mapped.id, 'string');
      assert.strictEqual(
        [mapped.roles, mapped.scopes, mapped.permissions, mapped.organizations].every(Array.isArray),
        true,
      );
    }
    await Promise.resolve();
  });
}

function testTokens(test: DefineTest): void {
  test('accepts a token of its issuer, and makes a user of it', async (opened) => {
    const user = await opened.userOf(await opened.token());
    assert.strictEqual(user.id === '', false);
    assert.strictEqual(opened.names.includes(user.issuer), true);
    assert.strictEqual(user.provider, opened.under.provider.claimMap.provider);
    assert.strictEqual(Object.isFrozen(user), true);
  });

  test('refuses a token that another key has signed', async (opened) => {
    const token = await opened.under.issuer.token(opened.claims, { signWith: 'stranger' });
    assert.deepStrictEqual(await opened.outcomeOf(token), opened.refused('signature'));
  });

  test('refuses a token without a signature', async (opened) => {
    const [, payload = ''] = (await opened.token()).split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
    const outcome = await opened.outcomeOf(`${header}.${payload}.`);
    assert.strictEqual(outcome.code, 'INVALID_TOKEN');
  });

  test('refuses a token that has expired', async (opened) => {
    const token = await opened.under.issuer.token(opened.claims, { expiresIn: '-1h' });
    assert.deepStrictEqual(await opened.outcomeOf(token), { code: 'INVALID_TOKEN', reason: 'expired' });
  });

  test('refuses a token that is not valid yet', async (opened) => {
    const token = await opened.under.issuer.token(opened.claims, { notBefore: '1h', expiresIn: '2h' });
    assert.deepStrictEqual(await opened.outcomeOf(token), { code: 'INVALID_TOKEN', reason: 'not_yet_valid' });
  });

  test('refuses a token that names another issuer', async (opened) => {
    const outcome = await opened.outcomeOf(await opened.token({ iss: 'https://stranger.example' }));
    assert.deepStrictEqual(outcome, { code: 'INVALID_TOKEN', reason: 'issuer' });
  });

  test('refuses a token for another audience, unless it accepts any', async (opened) => {
    const acceptsAny = opened.under.provider.issuers.some(({ terms }) => terms.audience === acceptAnyAudience);
    const outcome = await opened.outcomeOf(await opened.token({ aud: 'https://another-api.example' }));
    assert.deepStrictEqual(outcome, acceptsAny ? accepted : { code: 'INVALID_TOKEN', reason: 'audience' });
  });
}

function testOutage(test: DefineTest): void {
  test('answers an outage of its keys with a fault, and recovers', async (opened) => {
    const { issuer, fetchesKeys = true } = opened.under;
    const token = await opened.token();
    issuer.fail('503');
    const outcome = await opened.outcomeOf(token);
    assert.deepStrictEqual(outcome, fetchesKeys ? { code: 'SERVER_ERROR', reason: null } : accepted);
    issuer.recover();
    assert.deepStrictEqual(await new OpenedProvider(opened.under).outcomeOf(token), accepted);
  });
}

interface Outcome {
  readonly code: string;
  readonly reason: string | null;
}

const accepted: Outcome = { code: 'accepted', reason: null };

/** A provider as a running app has it. */
class OpenedProvider {
  private readonly clients = new ProviderClients({ clock });
  private readonly keys: IssuerKeys;
  private readonly verifier: TokenVerifier;

  constructor(readonly under: ProviderUnderTest) {
    const { upstream } = readAuthOptions('AuthModule.forRoot', { issuers: under.provider });
    const context: AuthContext = { clock, upstream, providerClient: this.clients.get, report: () => undefined };
    const issuers = openIssuers([under.provider], context);
    this.keys = new IssuerKeys(issuers, false);
    this.verifier = new TokenVerifier({ issuers, clock, cache: new VerifiedTokenCache(0, clock), claimsCheck: null });
  }

  get names(): readonly string[] {
    return this.under.provider.issuers.map(({ terms }) => terms.issuer);
  }

  get claims(): TestClaims {
    return this.under.claims ?? {};
  }

  token(claims: TestClaims = {}): Promise<string> {
    return this.under.issuer.token({ ...this.claims, ...claims });
  }

  /** Whether a token without an issuer is refused: it must not cause a call. */
  async tokenIsRead(): Promise<boolean> {
    const { code } = await this.outcomeOf(await this.token({ iss: undefined }));
    return code === 'INVALID_TOKEN';
  }

  async outcomeOf(token: string): Promise<Outcome> {
    try {
      await this.verifier.verify(token);
      return accepted;
    } catch (error) {
      if (!isAuthError(error)) throw error;
      return { code: error.code, reason: error.reason };
    }
  }

  async userOf(text: string): Promise<AuthUser> {
    const token = await this.verifier.verify(text);
    const claimMap = claimMapsOf([this.under.provider]).get(token.issuer);
    if (claimMap === undefined) throw new TypeError('The provider does not accept tokens (acceptsTokens is false)');
    return toAuthUser(text, token, claimMap);
  }

  /** Refused locally by this reason; an issuer that verifies tokens itself gives the reason `revoked`. */
  refused(reason: string): Outcome {
    return { code: 'INVALID_TOKEN', reason: this.under.provider.verification === 'online' ? 'revoked' : reason };
  }

  async close(): Promise<void> {
    this.verifier.onModuleDestroy();
    this.keys.onModuleDestroy();
    await this.clients.onApplicationShutdown();
    await this.under.close?.();
  }
}

const clock = new SystemClock();

function isComplete(capability: Capability<unknown>): boolean {
  if ('create' in capability) return true;
  const { option, hint } = capability.missing;
  return option.length > 0 && hint.length > 0 && !hint.endsWith('.');
}

/** The paths of all members that are not frozen. */
function findUnfrozen(value: unknown, path: string): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const members = Object.entries(value).flatMap(([name, member]) => findUnfrozen(member, `${path}.${name}`));
  return Object.isFrozen(value) ? members : [path, ...members];
}
