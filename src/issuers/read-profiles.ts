import { type GivenOptions, path } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import type { ProfileSource } from '../profiles/profile-source.js';
import type { IdentityProvider, OpenProfiles } from './identity-provider.js';

/** Where the app itself has profiles. */
export interface ProfilesOptions {
  /** Where the profiles of its users come from; what `UserProfileService` and `@CurrentProfile()` ask. */
  readonly profiles?: ProfileSource;
}

/** What to write so that a preset with this option has profiles. */
export function profileAdviceFor(where: string): IdentityProvider['profileAdvice'] {
  return {
    get: { option: `${where}({ profiles })`, mend: 'Write { get: (user) => … }, which gives the profile of a user' },
    find: {
      option: `${where}({ profiles: { find } })`,
      mend: 'Write find: (userId) => …, which gives the profile of anyone',
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
  if (typeof given === 'object' && given !== null && 'get' in given && typeof given.get === 'function') {
    return () => given as ProfileSource;
  }
  const { mend } = profileAdviceFor(where).get;
  throw new ConfigurationError(path(where, 'profiles'), 'a source of profiles is expected', mend);
}
