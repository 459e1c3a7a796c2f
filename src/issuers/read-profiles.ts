import { type GivenOptions, path } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { ProfileSource } from '../profiles/profile-source.js';
import type { IdentityProvider, OpenProfiles } from './identity-provider.js';

/** Where the app itself has profiles. */
export interface ProfilesOptions {
  /** Where the profiles of its users come from; what `UserProfileService` and `@CurrentProfile()` ask. */
  readonly profiles?: ProfileSource;
}

/** What to write so that a preset with this option has profiles. */
export function profileHintFor(where: string): IdentityProvider['profileHint'] {
  return {
    get: { option: `${where}({ profiles })`, fix: 'Write { get: (user) => … }, which gives the profile of a user' },
    find: {
      option: `${where}({ profiles: { find } })`,
      fix: 'Write find: (userId) => …, which gives the profile of anyone',
    },
  };
}

/**
 * The app's own source, as it is: what is wrong with what it gives shows when it gives it.
 *
 * @throws {ConfigurationError} for something that cannot be asked.
 */
export function readProfiles(where: string, options: GivenOptions): OpenProfiles | null {
  const given = options['profiles'];
  if (given === undefined) return null;
  const source = toMembers(given);
  if (typeof source?.['get'] !== 'function') {
    const { fix } = profileHintFor(where).get;
    throw new ConfigurationError(path(where, 'profiles'), 'a source of profiles is expected', fix);
  }
  for (const { name, expected, fits } of optional) {
    if (source[name] === undefined || fits(source[name])) continue;
    throw new ConfigurationError(`${where}({ profiles: { ${name} } })`, `${expected} is expected`, 'Or leave it out');
  }
  return () => given as ProfileSource;
}

const isFunction = (value: unknown): boolean => typeof value === 'function';

/** What a source may have beside `get`. */
const optional: readonly {
  readonly name: keyof ProfileSource;
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}[] = [
  { name: 'find', expected: 'a function', fits: isFunction },
  { name: 'getMany', expected: 'a function', fits: isFunction },
  { name: 'findDisabledReason', expected: 'a function', fits: isFunction },
  { name: 'access', expected: 'a text', fits: (value) => typeof value === 'string' },
  {
    name: 'mostAtOnce',
    expected: 'a whole number from 1',
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= 1,
  },
];

/** Members of a class count: a source is often a service of the app. */
function toMembers(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
}
