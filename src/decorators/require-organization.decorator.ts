import type { ExecutionContext } from '@nestjs/common';

import type { OrganizationRequirement } from '../access/requirement.js';
import { type GivenOptions, path, readChoice, readOptions, readText } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { guardedRequirement, isPlainName, readNames } from './guarded-requirement.decorator.js';

/** Names the organization, and what the user must have in it. */
export interface RequireOrganizationOptions {
  /** The route parameter that names the organization; in GraphQL, the argument of the field. @defaultValue 'orgId' */
  readonly param?: string;
  /**
   * Names the organization where it is not a route parameter, for example from a header, a message or the resource that
   * is requested. The caller is refused when it returns no text or throws.
   */
  readonly id?: (context: ExecutionContext) => string | null | undefined | PromiseLike<string | null | undefined>;
  /**
   * The property of an organization that the parameter, or `id`, is compared with. Ids are unique. Slugs and names are
   * chosen by people, who can often choose the name of another organization, so the caller is refused when two of their
   * organizations have the same one.
   *
   * @defaultValue 'id'
   */
  readonly by?: 'id' | 'slug' | 'name';
  /** A role that must be assigned to the user in the organization. A role that an assigned role includes does not count. */
  readonly role?: string;
  /**
   * A role that the user must have in the organization, assigned or included in an assigned one. Every caller is refused
   * where the issuer does not order its roles; where the roles of one organization have no order, it is the same as
   * `role`.
   */
  readonly minimumRole?: string;
  /** Permissions that the user must have in the organization, all of them. */
  readonly permissions?: readonly string[];
}

const where = '@RequireOrganization';
const names = ['param', 'id', 'by', 'role', 'minimumRole', 'permissions'];
const properties = ['id', 'slug', 'name'] as const;

/**
 * Requires that the user is a member of the organization that the request names, by default by the route parameter
 * `orgId`. With `role`, `minimumRole` or `permissions`, the member must have these in the organization. Other callers get
 * 403. Includes the guard. Requirements of the class apply in addition.
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
    by: readChoice(where, options, 'by', properties, 'id'),
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
      typeof find === 'function' ? 'param names the organization already' : 'a function is expected',
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
