/** Scopes that include others, and the error by which a handler asks for scopes. */
import { describe, expect, it } from 'vitest';
import { insufficientScope, readScopeImplies, type ScopeHierarchy } from '../../../src/access/scope-hierarchy.js';
import { ConfigurationError, RefusalError } from '../../../src/errors/auth-error.js';

const read = (scopeImplies: unknown): ScopeHierarchy => readScopeImplies('AuthModule.forRoot', { scopeImplies });

describe('scopes that include others', () => {
  const hierarchy = read({ admin: ['write', 'export'], write: 'read', export: ['read'], root: ['admin'] });

  it.each([
    [['read'], 'read', true],
    [['write'], 'read', true],
    [['admin'], 'read', true],
    [['root'], 'read', true],
    [['root'], 'export', true],
    [['other', 'admin'], 'write', true],
    [['read'], 'write', false],
    [['write'], 'export', false],
    [['write', 'export'], 'admin', false],
    [['administrator'], 'read', false],
    [['toString', '__proto__', 'constructor'], 'read', false],
    [[], 'read', false],
  ])('%j grant %s: %s', (granted, scope, expected) => {
    expect(hierarchy.grants(granted, scope)).toBe(expected);
  });

  it('are none where the option is left out', () => {
    const flat = read(undefined);
    expect([flat.grants(['admin'], 'admin'), flat.grants(['admin'], 'read')]).toEqual([true, false]);
  });

  it.each([
    ['a scope of itself', { a: ['a'] }, 'a scope includes itself: a includes a'],
    ['a circle', { a: ['b'], b: ['c'], c: ['a'] }, 'a scope includes itself: a includes b includes c includes a'],
    ['a circle behind another scope', { x: ['a'], a: ['b'], b: ['a'] }, 'a scope includes itself'],
    ['two scopes in one text', { admin: ['read write'] }, 'scopes, each with a list'],
    ['a name that is no scope', { 'a b': ['read'] }, 'scopes, each with a list'],
    ['an empty name', { '': ['read'] }, 'scopes, each with a list'],
    ['a number', { admin: [1] }, 'scopes, each with a list'],
    ['a list', [['admin', 'read']], 'an object of options is expected'],
    ['a text', 'admin', 'an object of options is expected'],
  ])('are not %s', (_, given, problem) => {
    expect(() => read(given)).toThrow(ConfigurationError);
    expect(() => read(given)).toThrow(problem);
    expect(() => read(given)).toThrow('AuthModule.forRoot({ scopeImplies })');
  });
});

describe('insufficientScope', () => {
  it('refuses for a lack of these scopes', () => {
    const error = insufficientScope('cats:write', 'cats:read', 'cats:write');
    expect(error).toBeInstanceOf(RefusalError);
    expect([error.code, error.requiredScopes]).toEqual(['INSUFFICIENT_SCOPE', ['cats:write', 'cats:read']]);
  });

  it.each(['', 'a b', 'a"', 'ä', 7 as never])('does not take %j for a scope', (wrong) => {
    expect(() => insufficientScope('cats:read', wrong)).toThrow(ConfigurationError);
  });
});
