import type { StepUpRequirement } from '../access/requirement.js';
import { type GivenOptions, path, readNumber, readOptions } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { guardedRequirement, readNames } from './guarded-requirement.decorator.js';

/** What the sign-in of a caller must have been like. At least one member is required; all that are given must hold. */
export interface StepUpOptions {
  /**
   * The `acr` of the token must be this one, or one of the list, in order of preference. Values are compared as they are: none
   * includes another. Own tokens have no `acr`.
   */
  readonly acr?: string | readonly string[];
  /**
   * Methods that must all be in the `amr` of the token (RFC 8176). In own tokens, `pop` is a passkey, `mfa` a second factor and
   * `pwd` a password.
   */
  readonly amr?: readonly string[];
  /**
   * The longest that the `auth_time` of the token may be ago, in whole seconds from 1 to 31,536,000 (a year), with the
   * `clockToleranceSeconds` of the issuer in addition. A refresh does not count as a sign-in, and a token without `auth_time` does not pass.
   */
  readonly maxAgeSeconds?: number;
}

const where = '@StepUp';
const names = ['acr', 'amr', 'maxAgeSeconds'];
const year = 31_536_000;

/**
 * Requires a sign-in that is recent enough or strong enough (RFC 9470). Other callers get 401 `STEP_UP_REQUIRED`, whose challenge
 * tells the client what to ask the issuer for: `Bearer error="insufficient_user_authentication"` with `acr_values` and `max_age`.
 * Callers who cannot sign in (API keys, tokens of client credentials) get 403 `ACCESS_DENIED`. Includes the guard.
 *
 * Requirements of the class apply in addition: the smallest age, all `amr`, and the `acr` values that both accept.
 *
 * ```ts
 * @StepUp({ amr: ['pop'], maxAgeSeconds: 300 })
 * @Delete('account')
 * close(@CurrentUser('id') id: string) {}
 * ```
 *
 * @throws {ConfigurationError} for an unknown option, a wrong value or no option, when the class is loaded; where a handler and its
 * class have no `acr` in common, when the app starts.
 */
export function StepUp(options: StepUpOptions): ClassDecorator & MethodDecorator {
  return guardedRequirement(where, readRequirement(readOptions(where, options, names)));
}

function readRequirement(options: GivenOptions): StepUpRequirement {
  if (names.every((name) => options[name] === undefined)) {
    throw new ConfigurationError(where, 'it requires nothing', `Write ${where}({ maxAgeSeconds: 300 }), acr or amr`);
  }
  const { acr } = options;
  const limits = { least: 1, most: year, whole: true };
  return Object.freeze({
    kind: 'step-up',
    acr: acr === undefined ? null : readValues('acr', typeof acr === 'string' ? [acr] : acr),
    amr: options['amr'] === undefined ? [] : readValues('amr', options['amr']),
    maxAgeSeconds: readNumber(where, options, 'maxAgeSeconds', limits) ?? null,
  });
}

function readValues(option: 'acr' | 'amr', given: unknown): readonly string[] {
  const example = `${where}({ ${option}: [${option === 'acr' ? "'gold', 'silver'" : "'pop'"}] })`;
  const form = { noun: `value of ${option}`, isName: isValue, example };
  return readNames(path(where, option), Array.isArray(given) ? given : [null], form);
}

/** A value has no spaces, because they separate the values in a challenge, and nothing that a challenge must not contain. */
function isValue(value: string): boolean {
  return /^[\x21\x23-\x5B\x5D-\x7E]+$/.test(value);
}
