/** What every preset has to make of claims, whatever is in them. */
import { describe, expect, it } from 'vitest';
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import type { TestIssuer } from '../../src/testing/test-issuer.js';
import type { MappedClaims } from '../../src/user/claim-map.js';
import { type Preset, presets } from '../support/presets.js';

/** Claim maps make no calls. */
const nowhere = { url: 'http://127.0.0.1:9', jwksUri: 'http://127.0.0.1:9/jwks' } as TestIssuer;

function create(preset: Preset, options: object = {}): IdentityProvider {
  return preset.create({ ...preset.options(nowhere, nowhere.url), ...options } as never);
}

const names = [
  ...[
    'sub',
    'oid',
    'user_id',
    'email',
    'email_verified',
    'emailVerified',
    'name',
    'first_name',
    'last_name',
    'username',
  ],
  ...['sid', 'session_id', 'origin_jti', 'refresh_token_id', 'refreshTokenId', 'act', 'impersonator_user_id'],
  ...['roles', 'role', 'cognito:groups', 'realm_access', 'resource_access', 'scope', 'scp', 'permissions'],
  ...['is_anonymous', 'isAnonymous', 'is_restricted', 'restricted_reason', 'firebase', 'user_metadata', 'app_metadata'],
  ...['v', 'o', 'fea', 'org_id', 'org_role', 'org_slug', 'org_name', 'org_permissions', 'organization'],
  ...['selected_team_id', 'org_member_info', 'org_id_to_org_member_info', '__proto__', 'constructor'],
];

const inner = ['id', 'rol', 'slg', 'per', 'fpm', 'sub', 'roles', 'full_name', 'sign_in_provider', 'api', 'org_id'];

const values: readonly unknown[] = [
  ...[null, 0, -1, 1.5, 2, true, false, '', 'x', ' , ', 'a b'],
  ...[[], [null, 1, {}, []], {}, { a: null }, { a: { b: 1 } }],
  ...[null, 2, 'x', '9999999999999999999999999999999999999999999', ['x', 1], { roles: ['x', 1] }].map((value) =>
    Object.fromEntries(inner.map((name) => [name, value])),
  ),
];

function isTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every((one) => typeof one === 'string');
}

function shapeOf(mapped: MappedClaims): object {
  const { email, name, sessionId, impersonatorId, organizations } = mapped;
  return {
    id: typeof mapped.id,
    isAnonymous: typeof mapped.isAnonymous,
    texts: [email, name, sessionId, impersonatorId].every(
      (text) => text === null || (typeof text === 'string' && text !== ''),
    ),
    emailVerified: mapped.emailVerified === null || typeof mapped.emailVerified === 'boolean',
    lists: [mapped.roles, mapped.scopes, mapped.permissions].every(isTexts),
    organizations: organizations.every(
      ({ id, roles, permissions }) => typeof id === 'string' && id !== '' && isTexts(roles) && isTexts(permissions),
    ),
  };
}

const shape = {
  id: 'string',
  isAnonymous: 'boolean',
  texts: true,
  emailVerified: true,
  lists: true,
  organizations: true,
};

describe.each(Object.entries(presets))('the claim map of %s', (_, preset) => {
  it('never throws and keeps its shape for all claims', () => {
    const { map } = create(preset).claimMap;
    const whole = values.map((value) => Object.fromEntries(names.map((name) => [name, value])));
    const single = names.flatMap((name) => values.flatMap((value) => [{ [name]: value }, { v: 2, [name]: value }]));

    expect(whole.length + single.length).toBeGreaterThan(500);
    for (const claims of [...whole, ...single]) {
      expect([claims, shapeOf(map(claims))]).toEqual([claims, shape]);
    }
  });

  it('gives a user no roles, permissions or organizations that no claim names', () => {
    const { roles, scopes, permissions, organizations } = create(preset).claimMap.map({ sub: 'alice' });

    expect([roles, scopes, permissions, organizations]).toEqual([[], [], [], []]);
  });
});
