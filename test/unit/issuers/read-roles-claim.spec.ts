import { describe, expect, it } from 'vitest';
import { jwtIssuer } from '../../../src/issuers/jwt-issuer.js';
import { oidc } from '../../../src/issuers/oidc.js';
import { readRolesClaim } from '../../../src/issuers/read-roles-claim.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { configurationErrorOf } from '../../support/outcome.js';

const deep: JsonObject = { app: { of: { roles: ['a', 'b'], role: 'c' } } };

describe('rolesClaim', () => {
  it.each<[unknown, JsonObject, readonly string[]]>([
    ['roles', { roles: ['a', 'b'] }, ['a', 'b']],
    ['role', { role: 'admin user' }, ['admin user']],
    ['https://shop.example/roles', { 'https://shop.example/roles': ['a'] }, ['a']],
    ['app.of.roles', deep, []],
    [['app', 'of', 'roles'], deep, ['a', 'b']],
    [['app', 'of', 'role'], deep, ['c']],
    [['app', 'of'], deep, []],
    [['app', 'none', 'roles'], deep, []],
    [['app', 'of', 'roles', '0'], deep, []],
    [['a', 'a'], { a: { a: ['x'] } }, ['x']],
    ['roles', { roles: ['a', 1, null, { b: 1 }] }, ['a']],
    ['roles', { roles: { a: true } }, []],
    ['roles', { roles: '' }, []],
    ['roles', {}, []],
    ['__proto__', {}, []],
    [['__proto__', 'roles'], {}, []],
    [['constructor', 'name'], {}, []],
  ])('%j of %j: %j', (rolesClaim, claims, roles) => {
    expect(readRolesClaim('oidc', { rolesClaim })?.(claims)).toEqual(roles);
  });

  it.each([[''], [7], [null], [[]], [['']], [['a', 7]], [{}]])('is refused: %j', (rolesClaim) => {
    const error = configurationErrorOf(() => readRolesClaim('oidc', { rolesClaim }));

    expect(error.message).toBe(
      'oidc({ rolesClaim }): a text or a list of texts is expected. ' +
        'Write the name of the claim, or the names that lead to it.',
    );
  });

  it('does not change with the list that was given', () => {
    const rolesClaim = ['a', 'b'];
    const read = readRolesClaim('oidc', { rolesClaim });
    rolesClaim.splice(0, 2, 'x');

    expect(read?.({ a: { b: ['in'] }, x: ['out'] })).toEqual(['in']);
  });

  it.each([
    ['oidc', oidc({ issuer: 'https://issuer.example', audience: 'api', rolesClaim: ['app', 'roles'] })],
    [
      'jwtIssuer',
      jwtIssuer({
        issuer: 'joe',
        audience: 'api',
        secret: 's'.repeat(32),
        rolesClaim: ['app', 'roles'],
      }),
    ],
  ])('adds to the standard roles of %s, each once', (_, { claimMap }) => {
    expect(claimMap.map({ sub: 'a', roles: ['a', 'b'], app: { roles: ['b', 'c'] } }).roles).toEqual(['a', 'b', 'c']);
    expect(claimMap.map({ sub: 'a', roles: ['a'] }).roles).toEqual(['a']);
  });
});
