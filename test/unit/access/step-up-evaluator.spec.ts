/** Whether a sign-in is recent and strong enough, by the claims of the token and the clock. */
import { describe, expect, it } from 'vitest';
import type { StepUpRequirement } from '../../../src/access/requirement.js';
import { addRequirement } from '../../../src/access/route-metadata.js';
import { readRouteRules, type RouteTarget } from '../../../src/access/route-rules.js';
import { StepUpEvaluator } from '../../../src/access/step-up-evaluator.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { configurationErrorOf } from '../../support/outcome.js';
import { ManualClock } from '../../support/manual-clock.js';
import { someUser } from '../../support/some-user.js';

const clock = new ManualClock();
const now = clock.now().getTime() / 1_000;
const evaluator = new StepUpEvaluator({
  clock,
  toleranceSecondsOf: (issuer) => (issuer === 'https://issuer.example' ? 5 : 0),
});

const requirementOf = (parts: Partial<StepUpRequirement>): StepUpRequirement => ({
  kind: 'step-up',
  acr: null,
  amr: [],
  maxAgeSeconds: null,
  ...parts,
});

const userWith = (claims: object, parts: Partial<AuthUser> = {}): AuthUser =>
  ({ ...someUser(), ...parts, claims }) as AuthUser;

const outcomeFor = (parts: Partial<StepUpRequirement>, user: AuthUser): unknown => {
  const decision = evaluator.decide(requirementOf(parts), user);
  return decision.kind === 'granted' ? 'granted' : decision.refusal.code;
};

const strong = { auth_time: now - 60, acr: 'gold', amr: ['pwd', 'otp', 'mfa'] };

describe('a sign-in', () => {
  it.each<[string, Partial<StepUpRequirement>, object]>([
    ['the one acr', { acr: ['gold'] }, strong],
    ['one acr of a list', { acr: ['platinum', 'gold'] }, strong],
    ['all methods', { amr: ['mfa', 'pwd'] }, strong],
    ['its age', { maxAgeSeconds: 60 }, strong],
    ['its age and the tolerance', { maxAgeSeconds: 55 }, strong],
    ['an age, being a little ahead of the clock', { maxAgeSeconds: 55 }, { auth_time: now + 5 }],
    ['acr, methods and age', { acr: ['gold'], amr: ['otp'], maxAgeSeconds: 300 }, strong],
    ['methods without auth_time', { amr: ['pop'] }, { amr: ['pop'] }],
  ])('satisfies %s', (_, parts, claims) => {
    expect(outcomeFor(parts, userWith(claims))).toBe('granted');
  });

  it.each<[string, Partial<StepUpRequirement>, object]>([
    ['another acr', { acr: ['platinum'] }, strong],
    ['an acr in another case', { acr: ['Gold'] }, strong],
    ['a part of an acr', { acr: ['go'] }, strong],
    ['no acr', { acr: ['gold'] }, { ...strong, acr: undefined }],
    ['an acr that is a list', { acr: ['gold'] }, { ...strong, acr: ['gold'] }],
    ['a method too few', { amr: ['pwd', 'pop'] }, strong],
    ['no methods', { amr: ['pwd'] }, { auth_time: now }],
    ['methods that are a text', { amr: ['pwd'] }, { amr: 'pwd otp' }],
    ['an age over the tolerance', { maxAgeSeconds: 54 }, strong],
    ['no auth_time', { maxAgeSeconds: 300 }, { acr: 'gold' }],
    ['an auth_time that is a text', { maxAgeSeconds: 300 }, { auth_time: String(now) }],
    ['an auth_time in the future', { maxAgeSeconds: 300 }, { auth_time: now + 6 }],
    ['an auth_time that is no number', { maxAgeSeconds: 300 }, { auth_time: Number.NaN }],
    ['the acr without the age', { acr: ['gold'], maxAgeSeconds: 10 }, strong],
    ['the age without the acr', { acr: ['platinum'], maxAgeSeconds: 300 }, strong],
    ['no claims at all', { amr: ['pwd'] }, undefined as unknown as object],
  ])('is not enough with %s', (_, parts, claims) => {
    expect(outcomeFor(parts, userWith(claims))).toBe('STEP_UP_REQUIRED');
  });

  it('has no tolerance with a user of an unknown issuer', () => {
    const user = userWith(strong, { issuer: 'https://other.example' });
    expect(['at', 'over'].map((_, past) => outcomeFor({ maxAgeSeconds: 60 - past }, user))).toEqual([
      'granted',
      'STEP_UP_REQUIRED',
    ]);
  });

  it('is described for the client as a whole, and for the log with the reason', () => {
    const parts = { acr: ['platinum', 'gold'], amr: ['pop'], maxAgeSeconds: 300 };
    const decision = evaluator.decide(requirementOf(parts), userWith(strong));
    expect(decision).toMatchObject({
      kind: 'refused',
      refusal: {
        acrValues: ['platinum', 'gold'],
        maxAgeSeconds: 300,
        explanation:
          'It requires sign-in at most 300 s ago, with amr: pop, with one of the acr: platinum, gold; ' +
          'the "amr" of the token has ["pwd","otp","mfa"]',
      },
    });
  });
});

describe('a program', () => {
  const credential = { id: null, scheme: 'Bearer' } as const;

  it.each<[string, Partial<AuthUser>, object]>([
    ['by an API key', { credential: { ...credential, kind: 'api-key' }, provider: 'api-key' }, strong],
    ['by a credential of the app', { credential: { ...credential, kind: 'signature' } }, strong],
    ['by an own token without a session', { provider: 'own', sessionId: null, clientId: 'acme_1' }, {}],
    ['by a token whose subject is the client', { id: 'c1', clientId: 'c1' }, {}],
    ['by a token of Auth0', { id: 'c1@clients', clientId: 'c1' }, { gty: 'client-credentials' }],
    ['by a token of Entra ID', { id: 'object', clientId: 'c1' }, { idtyp: 'app' }],
    ['by a token of Keycloak', { id: 'u1', clientId: 'C1' }, { preferred_username: 'service-account-c1', acr: '1' }],
  ])('is denied %s', (_, parts, claims) => {
    expect(outcomeFor({ maxAgeSeconds: 300 }, userWith(claims, parts))).toBe('ACCESS_DENIED');
  });

  it.each<[string, Partial<AuthUser>, object]>([
    ['has a session of the app', { provider: 'own', sessionId: 's1', clientId: null }, {}],
    ['uses a client', { id: 'alice', clientId: 'c1' }, {}],
    ['has the id of a client and has signed in', { id: 'c1', clientId: 'c1' }, { auth_time: now - 900 }],
    ['comes from an Authenticator of the app', { credential: undefined as never }, {}],
  ])('is not who %s', (_, parts, claims) => {
    expect(outcomeFor({ maxAgeSeconds: 300 }, userWith(claims, parts))).toBe('STEP_UP_REQUIRED');
  });
});

describe('the requirements of a handler and its class', () => {
  function rulesWith(onClass: Partial<StepUpRequirement>, onHandler: Partial<StepUpRequirement>) {
    class Cats {
      list(): void {}
    }
    addRequirement(Cats, requirementOf(onClass));
    addRequirement(Cats.prototype.list, requirementOf(onHandler));
    addRequirement(Cats.prototype.list, { kind: 'profile' });
    addRequirement(Cats.prototype.list, { kind: 'scopes', match: 'all', values: ['cats'] });
    const route: RouteTarget = { getClass: () => Cats, getHandler: () => Cats.prototype.list };
    return readRouteRules(route, { onInvalid: 'anonymous', onUnavailable: 'reject' }, () => true);
  }

  it.each<[Partial<StepUpRequirement>, Partial<StepUpRequirement>, Partial<StepUpRequirement>]>([
    [{ maxAgeSeconds: 300 }, { maxAgeSeconds: 60 }, { maxAgeSeconds: 60 }],
    [{ maxAgeSeconds: 30 }, { maxAgeSeconds: 60 }, { maxAgeSeconds: 30 }],
    [{ amr: ['mfa', 'pwd'] }, { amr: ['pop', 'mfa'] }, { amr: ['mfa', 'pwd', 'pop'] }],
    [{ acr: ['a', 'b', 'c'] }, { acr: ['c', 'b'] }, { acr: ['b', 'c'] }],
    [{ acr: ['a'] }, { maxAgeSeconds: 60 }, { acr: ['a'], maxAgeSeconds: 60 }],
  ])('are one: %j and %j', (onClass, onHandler, combined) => {
    expect(rulesWith(onClass, onHandler)).toMatchObject({
      mode: 'required',
      // Between what else the token decides and what takes a request.
      requirements: { all: [{ kind: 'scopes' }, requirementOf(combined), { kind: 'profile' }] },
    });
  });

  it('cannot have no acr in common', () => {
    const error = configurationErrorOf(() => rulesWith({ acr: ['a'] }, { acr: ['b'] }));
    expect([error.path, error.message]).toEqual(['@StepUp({ acr })', expect.stringContaining('Cats.list')]);
  });
});
