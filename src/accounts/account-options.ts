import { path, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { AccountEvent } from './account.js';
import { readMinLength } from './password-policy.js';

/** How the app keeps the accounts of its users. */
export interface AccountsModuleOptions {
  /**
   * Who may make an account by `POST /auth/sign-up`. `'at-once'` makes one that works right away; the address is not verified, and
   * the answer for an address that has an account says so. `false`: no caller; accounts are made by `AccountService.create`.
   *
   * @defaultValue false
   */
  readonly signUp?: 'at-once' | false;
  /**
   * Which passwords may be chosen; `minLength` is 8 to 64 characters. `false`: there are no passwords, nor the routes for them.
   *
   * @defaultValue `{ minLength: 8 }`; NIST SP 800-63B asks for 15 where a password is the only factor
   */
  readonly password?: { readonly minLength?: number } | false;
  /** Whether `POST /auth/anonymous` makes an account for a guest. @defaultValue false */
  readonly anonymous?: boolean;
  /**
   * Called after what happened to an account was stored. What it throws is logged, and changes nothing.
   */
  readonly onEvent?: (event: AccountEvent) => unknown;
  /** Where the routes are, below the global prefix; `false`: nowhere. @defaultValue 'auth' */
  readonly path?: string | false;
}

/** Makes the options, where a class is more handy than a function. */
export interface AccountOptionsFactory {
  createAccountOptions(): Omit<AccountsModuleOptions, 'path'> | Promise<Omit<AccountsModuleOptions, 'path'>>;
}

/** The options with everything filled in and checked. */
export interface AccountTerms {
  /** Who gave them, for messages: `AccountsModule.forRoot`. */
  readonly where: string;
  readonly signUp: 'at-once' | false;
  /** `null` where there are no passwords. */
  readonly minPasswordLength: number | null;
  readonly anonymous: boolean;
  readonly onEvent: ((event: AccountEvent) => unknown) | null;
}

export const accountOptionNames: readonly string[] = ['signUp', 'password', 'anonymous', 'onEvent'];

/** @throws {ConfigurationError} for the first option that is wrong, missing or unknown. */
export function readAccountTerms(where: string, given: unknown): AccountTerms {
  const options = readOptions(where, given, accountOptionNames, 'next to the factory: path');
  const { signUp = false, password = {}, onEvent } = options;
  if (signUp !== 'at-once' && signUp !== false) {
    throw new ConfigurationError(path(where, 'signUp'), "'at-once' or false is expected", "Write signUp: 'at-once'");
  }
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw new ConfigurationError(path(where, 'onEvent'), 'a function is expected', 'Write (event) => { … }');
  }
  return Object.freeze({
    where,
    signUp,
    minPasswordLength: readPasswordTerms(where, password),
    anonymous: readSwitch(where, options, 'anonymous', false),
    onEvent: (onEvent as AccountTerms['onEvent'] | undefined) ?? null,
  });
}

function readPasswordTerms(where: string, given: unknown): number | null {
  if (given === false) return null;
  const { minLength } = readOptions(path(where, 'password'), given, ['minLength']);
  return readMinLength(path(where, 'password: { minLength }'), minLength);
}
