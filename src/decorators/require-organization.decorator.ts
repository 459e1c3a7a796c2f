import type { ExecutionContext } from '@nestjs/common';

import type { OrganizationRequirement } from '../access/requirement.js';
import { type GivenOptions, path, readChoice, readOptions, readText } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { guardedRequirement, isPlainName, readNames } from './guarded-requirement.decorator.js';

/** Which organization, and what the user must hold in it. */
export interface RequireOrganizationOptions {
  /** The route parameter that names the organization; in GraphQL the argument of the field. @defaultValue 'orgId' */
  readonly param?: string;
  /**
   * Names the organization where it is not a route parameter: by a header, by a message, by the owner of the thing that
   * is asked for. A caller about whom it gives no text is refused, and so is everybody when it throws.
   */
  readonly id?: (context: ExecutionContext) => string | null | undefined | PromiseLike<string | null | undefined>;
  /**
   * What the parameter, or `id`, names the organization by. Ids are the issuer's and unique. Slugs and names are chosen
   * by people, and whoever may found an organization can often choose the name of another: two of one name refuse.
   *
   * @defaultValue 'id'
   */
  readonly by?: 'id' | 'slug' | 'name';
  /** A role that was assigned to the user there by this very name; one that it includes is another. */
  readonly role?: string;
  /**
   * A role that the user holds there, assigned or included in the assigned one. With an issuer that gives its roles no
   * order anonymousCaller passes; where an organization's roles are without one, it is the same as `role`.
   */
  readonly minimumRole?: string;
  /** Permissions that the user has there, all of them. */
  readonly permissions?: readonly string[];
}

const where = '@RequireOrganization';
const names = ['param', 'id', 'by', 'role', 'minimumRole', 'permissions'];
const bys = ['id', 'slug', 'name'] as const;

/**
 * Lets a user through who is a member of the organization that the call is about, by default the one whose id is the
 * route parameter `orgId`; others get 403. With `role`, `minimumRole` or `permissions`, only members who hold these,
 * there. Brings the guard along, and adds up with what the class demands.
 *
 * @throws {ConfigurationError} for an unknown option or a wrong value, when the class is loaded.
 */
export function RequireOrganization(options: RequireOrganizationOptions = {}): ClassDecorator & MethodDecorator {
  return guardedRequirement(where, readRequirement(readOptions(where, options, names)));
}

function readRequirement(options: GivenOptions): OrganizationRequirement {
  return Object.freeze({
    kind: 'organization',
    from: readFrom(options),
    by: readChoice(where, options, 'by', bys, 'id'),
    role: readRole(options, 'role'),
    minimumRole: readRole(options, 'minimumRole'),
    permissions: readPermissions(options),
  });
}

function readFrom(options: GivenOptions): OrganizationRequirement['from'] {
  const find = options['id'];
  if (find === undefined) return { param: readText(where, options, 'param') ?? 'orgId' };
  if (typeof find !== 'function' || options['param'] !== undefined) {
    throw new ConfigurationError(
      path(where, 'id'),
      typeof find === 'function'
        ? 'it stands beside param, which names the organization too'
        : 'a function is expected',
      'Write (context) => …, which gives the id, or param: the name of a route parameter',
    );
  }
  return { find: find as (context: never) => unknown };
}

function readRole(options: GivenOptions, option: 'role' | 'minimumRole'): string | null {
  const given = options[option];
  if (given === undefined) return null;
  const form = { noun: 'role', isName: isPlainName, example: `${where}({ ${option}: 'Admin' })` };
  return readNames(path(where, option), [given], form)[0] ?? null;
}

function readPermissions(options: GivenOptions): readonly string[] {
  const given = options['permissions'];
  if (given === undefined) return [];
  const form = { noun: 'permission', isName: isPlainName, example: `${where}({ permissions: ['cats:write'] })` };
  return readNames(path(where, 'permissions'), Array.isArray(given) ? given : [null], form);
}
