import { type GivenOptions, path } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { ProfileSource } from '../profiles/profile-source.js';
import type { UserProfile } from '../profiles/user-profile.js';
import type { Capability, MissingOption } from '../upstream/auth-context.js';

/** Profiles that the app itself provides. */
export interface ProfilesOptions {
  /** The profiles of its users, which `UserProfileService` and `@CurrentProfile()` ask for. */
  readonly profiles?: ProfileSource;
}

/** What to write so that a preset with this option has profiles of callers, and of any user. */
export function profileHintsOf(where: string): { readonly get: MissingOption; readonly find: MissingOption } {
  return {
    get: { option: `${where}({ profiles })`, hint: 'Write { get: (user) => … }, which gives the profile of a user' },
    find: {
      option: `${where}({ profiles: { find } })`,
      hint: 'Write find: (userId) => …, which gives the profile of any user',
    },
  };
}

/**
 * The app's own source of profiles, otherwise the product's. What the app's functions return is checked when they
 * return it.
 *
 * @throws {ConfigurationError} for a value that is no source.
 */
export function readProfiles(
  where: string,
  options: GivenOptions,
  fallback?: Capability<ProfileSource>,
): Capability<ProfileSource> {
  const given = options['profiles'];
  const { get, find } = profileHintsOf(where);
  if (given === undefined) return fallback ?? { missing: get };
  const source = toMembers(given);
  if (typeof source?.['get'] !== 'function') {
    throw new ConfigurationError(path(where, 'profiles'), 'a source of profiles is expected', get.hint);
  }
  if (source['findDisabledReason'] !== undefined && source['findBar'] !== undefined) {
    const problem = 'findBar is its deprecated name, and both are given';
    throw new ConfigurationError(`${where}({ profiles: { findDisabledReason } })`, problem, 'Leave out findBar');
  }
  for (const { name, expected, fits } of optional) {
    if (source[name] === undefined || fits(source[name])) continue;
    throw new ConfigurationError(`${where}({ profiles: { ${name} } })`, `${expected} is expected`, 'Or leave it out');
  }
  const profiles = withFindHint(given as ProfileSource, find);
  return { create: () => profiles };
}

/** Calls the methods on the app's source itself, because they may use private members. */
function withFindHint(source: ProfileSource, findHint: MissingOption): ProfileSource {
  const { access, mostAtOnce } = source;
  return {
    get: (user) => source.get(user),
    ...(source.find !== undefined && { find: (userId: string) => source.find?.(userId) ?? null }),
    ...(source.getMany !== undefined && { getMany: (userIds: readonly string[]) => source.getMany?.(userIds) ?? [] }),
    ...(source.findDisabledReason !== undefined && {
      findDisabledReason: (profile: UserProfile) => source.findDisabledReason?.(profile),
    }),
    /* eslint-disable @typescript-eslint/no-deprecated -- The name of 0.1.0 is accepted until 1.0. */
    ...(source.findBar !== undefined && {
      findDisabledReason: (profile: UserProfile) => source.findBar?.(profile),
    }),
    /* eslint-enable @typescript-eslint/no-deprecated */
    ...(access !== undefined && { access }),
    ...(mostAtOnce !== undefined && { mostAtOnce }),
    findHint,
  };
}

const isFunction = (value: unknown): boolean => typeof value === 'function';

/** The members of a source besides `get`. */
const optional: readonly {
  readonly name: keyof ProfileSource;
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}[] = [
  { name: 'find', expected: 'a function', fits: isFunction },
  { name: 'getMany', expected: 'a function', fits: isFunction },
  { name: 'findDisabledReason', expected: 'a function', fits: isFunction },
  { name: 'findBar', expected: 'a function', fits: isFunction },
  { name: 'access', expected: 'a text', fits: (value) => typeof value === 'string' },
  {
    name: 'mostAtOnce',
    expected: 'a whole number from 1',
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  },
];

/** Inherited members count, because a source is often a service of the app. */
function toMembers(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}
