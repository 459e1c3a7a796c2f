import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { assignedRolesOf, type Organization, withAssignedRoles } from '../../../src/user/auth-user.js';

const organization: Organization = { id: 'o1', name: null, slug: null, roles: ['Owner', 'Member'], permissions: [] };

describe('the assigned roles of an organization', () => {
  it('are all of its roles where no role includes others', () => {
    expect(assignedRolesOf(organization)).toEqual(['Owner', 'Member']);
  });

  it('are the given ones, in a frozen copy', () => {
    const given = ['Owner'];
    const made = withAssignedRoles(organization, given);
    given.push('Root');

    expect(assignedRolesOf(made)).toEqual(['Owner']);
    expect(made.assignedRoles).toEqual(['Owner']);
    expect(assignedRolesOf(organization)).toEqual(['Owner', 'Member']);
    expect(() => (made.assignedRoles as string[]).push('Root')).toThrow(TypeError);
    expect(() => Object.assign(made, { assignedRoles: ['Root'] })).toThrow(TypeError);
  });

  it('may be none, which is not the same as all', () => {
    expect(assignedRolesOf(withAssignedRoles(organization, []))).toEqual([]);
  });

  it('do not appear where the organization is returned or logged', () => {
    const made = withAssignedRoles(organization, ['Owner']);

    expect(JSON.stringify(made)).toBe(JSON.stringify(organization));
    expect(inspect(made)).toBe(inspect(organization));
    expect(Object.keys(made)).toEqual(['id', 'name', 'slug', 'roles', 'permissions']);
  });
});
