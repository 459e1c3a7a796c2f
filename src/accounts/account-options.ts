import { type AppObject, readAppObject } from '../app-object.js';
import {
  type GivenOptions,
  path,
  readChoice,
  readOptions,
  readSwitch,
  readText,
} from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';
import type { AccountEvent } from './account.js';
import type { MailSender } from './mail-sender.js';
import { type PasskeyOptions, type PasskeyTerms, readPasskeyTerms } from './passkey-options.js';
import { readMinLength } from './password-policy.js';
import { type SignUpInputClass, readSignUpInput } from './sign-up-input.js';

/** A sign-up, before anything of it is stored, and before it is known whether the address has an account. */
export interface SignUpAttempt {
  /** `null` for somebody who signs in by a provider, unless it vouches that the address is theirs. */
  readonly email: string | null;
  readonly name: string | null;
  /** The further members of the body: an object of `signUpInput`; `null` where there is no such class, for a magic link, and by a provider. */
  readonly input: object | null;
  /** The request of Express or Fastify. */
  readonly request: object;
}

/** What the app adds to a new account. */
export type SignUpAddition = { readonly customData?: JsonObject } | undefined;

/** Decides about sign-ups: it throws an `HttpException` for one that the app does not want, or returns custom data for the account. */
export interface SignUpHook {
  // A function that returns nothing is one too.
  // eslint-disable-next-line @typescript-eslint/no-invalid-void-type
  beforeSignUp(attempt: SignUpAttempt): SignUpAddition | void | Promise<SignUpAddition | void>;
}

/** Listens to what happens to accounts. */
export interface AccountListener {
  onEvent(event: AccountEvent): unknown;
}

/** The pages of the app that the links of mails lead to, each with `{code}` where the code is put. */
export interface AccountLinks {
  /** It sends the code to `POST /auth/email/verify`: `'https://app.example.com/verify?code={code}'`. */
  readonly verifyEmail?: string;
  /** It asks for a new password, and sends both to `POST /auth/password/reset`. */
  readonly resetPassword?: string;
  /** It sends the code to `POST /auth/magic-link/confirm`. */
  readonly magicLink?: string;
}

/** How the app keeps the accounts of its users. */
export interface AccountsModuleOptions {
  /**
   * Who may make an account by `POST /auth/sign-up`.
   *
   * - `'verify-first'`: whoever reads mail at the address. The account works when the code of the mail was sent back, and no answer
   *   tells whether an address has an account.
   * - `'at-once'`: everybody. The account works right away with an address that is not verified, and the answer for an address that has
   *   an account says so.
   * - `false`: nobody; accounts are made by `AccountService.create`.
   *
   * @defaultValue 'verify-first'
   */
  readonly signUp?: 'verify-first' | 'at-once' | false;
  /**
   * Which passwords may be chosen; `minLength` is 8 to 64 characters. `false`: there are no passwords, nor the routes for them.
   *
   * @defaultValue `{ minLength: 8 }`; NIST SP 800-63B asks for 15 where a password is the only factor
   */
  readonly password?: { readonly minLength?: number } | false;
  /** Whether people sign in by a link in a mail. Where `signUp` is on, it makes accounts too. @defaultValue true */
  readonly magicLink?: boolean;
  /**
   * Whether people may add a second factor to their accounts: codes of an authenticator app (TOTP, RFC 6238), which need the package
   * `otpauth`. With `true`, an app without it does not start. An account that has a second factor is asked for it in any case.
   *
   * @defaultValue true where `otpauth` is installed
   */
  readonly totp?: boolean;
  /** Whether `POST /auth/anonymous` makes an account for a guest. @defaultValue false */
  readonly anonymous?: boolean;
  /**
   * Where people sign in with passkeys; it needs the package `@simplewebauthn/server`. `false`: nowhere.
   *
   * @defaultValue false
   */
  readonly passkeys?: PasskeyOptions | false;
  /**
   * Sends the mails: `smtp(url, { from })`, an object or a class with the method `send`, or a function in its place.
   *
   * @defaultValue mails are written to the log; with `NODE_ENV=production` an app that has to send mails does not start
   */
  readonly mail?: MailSender['send'] | AppObject<MailSender>;
  /** The pages that links in mails lead to. A mail without a page has a code for typing alone. */
  readonly links?: AccountLinks;
  /** A class with class-validator decorators: further members of the body of `POST /auth/sign-up`, for `beforeSignUp`. */
  readonly signUpInput?: SignUpInputClass;
  /** Called before an account is made by a caller: a function, or an object or a class with the method `beforeSignUp`. */
  readonly beforeSignUp?: SignUpHook['beforeSignUp'] | AppObject<SignUpHook>;
  /**
   * Called after what happened to an account was stored: a function, or an object or a class with the method `onEvent`. What it throws is
   * logged, and changes nothing.
   */
  readonly onEvent?: ((event: AccountEvent) => unknown) | AppObject<AccountListener>;
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
  readonly signUp: 'verify-first' | 'at-once' | false;
  /** `null` where there are no passwords. */
  readonly minPasswordLength: number | null;
  readonly magicLink: boolean;
  /** `null` where it was left out: on where `otpauth` is installed. */
  readonly totp: boolean | null;
  readonly anonymous: boolean;
  /** `null` where there are no passkeys. */
  readonly passkeys: PasskeyTerms | null;
  readonly mail: AppObject<MailSender> | null;
  readonly links: AccountLinks;
  readonly signUpInput: SignUpInputClass | null;
  readonly beforeSignUp: AppObject<SignUpHook> | null;
  readonly onEvent: AppObject<AccountListener> | null;
}

const linkNames = ['verifyEmail', 'resetPassword', 'magicLink'] as const;

export const accountOptionNames: readonly string[] = [
  'signUp',
  'password',
  'magicLink',
  'totp',
  'anonymous',
  'passkeys',
  'mail',
  'links',
  'signUpInput',
  'beforeSignUp',
  'onEvent',
];

/** @throws {ConfigurationError} for the first option that is wrong, missing or unknown. */
export function readAccountTerms(where: string, given: unknown): AccountTerms {
  const options = readOptions(where, given, accountOptionNames, 'next to the factory: path');
  const { signUp, password = {}, passkeys = false, links = {}, signUpInput } = options;
  if (signUp === 'at-once' && password === false) {
    throw new ConfigurationError(
      path(where, 'signUp'),
      "'at-once' needs passwords, and they are switched off",
      "Write signUp: 'verify-first', or leave password out",
    );
  }
  return Object.freeze({
    where,
    signUp:
      signUp === false ? false : readChoice(where, options, 'signUp', ['verify-first', 'at-once'], 'verify-first'),
    minPasswordLength: readPasswordTerms(where, password),
    magicLink: readSwitch(where, options, 'magicLink', true),
    totp: options['totp'] === undefined ? null : readSwitch(where, options, 'totp', true),
    anonymous: readSwitch(where, options, 'anonymous', false),
    passkeys: passkeys === false ? null : readPasskeyTerms(path(where, 'passkeys'), passkeys),
    mail: readAppObject<MailSender>(where, options, 'mail', 'send'),
    links: readLinks(path(where, 'links'), links),
    signUpInput: signUpInput === undefined ? null : readSignUpInput(path(where, 'signUpInput'), signUpInput),
    beforeSignUp: readAppObject<SignUpHook>(where, options, 'beforeSignUp', 'beforeSignUp'),
    onEvent: readAppObject<AccountListener>(where, options, 'onEvent', 'onEvent'),
  });
}

function readPasswordTerms(where: string, given: unknown): number | null {
  if (given === false) return null;
  const { minLength } = readOptions(path(where, 'password'), given, ['minLength']);
  return readMinLength(path(where, 'password: { minLength }'), minLength);
}

function readLinks(where: string, given: unknown): AccountLinks {
  const options = readOptions(where, given, linkNames);
  return Object.fromEntries(
    linkNames.flatMap((name) => {
      const link = readLink(where, options, name);
      return link === undefined ? [] : [[name, link]];
    }),
  );
}

/** The scheme may be that of a mobile app; a link that runs a script is none. */
function readLink(where: string, options: GivenOptions, name: string): string | undefined {
  const link = readText(where, options, name);
  if (link === undefined) return undefined;
  const isAddress = URL.canParse(link) && !/^(?:javascript|data|vbscript|file):$/.test(new URL(link).protocol);
  if (isAddress && link.split('{code}').length === 2) return link;
  throw new ConfigurationError(
    path(where, name),
    'the address of a page is expected, with {code} where the code is put',
    `Write one such as 'https://app.example.com/${name}?code={code}'`,
  );
}

/** @throws {RefusalError} `NOT_FOUND` where the app has not switched a route on. */
export function checkIsOn(isOn: boolean, option: string): asserts isOn {
  if (!isOn) throw RefusalError.of('NOT_FOUND', `The route is switched off by AccountsModule.forRoot({ ${option} })`);
}
