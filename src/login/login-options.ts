import { type AppObject, readAppObject } from '../app-object.js';
import { path, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { SessionSubject } from '../sessions/session-subject.js';
import type { ExternalIdentity } from './external-identity.js';
import { isLoginProvider, type LoginProvider } from './login-provider.js';
import { type ReturnAddresses, readReturnAddresses } from './return-addresses.js';

/** How people sign in by providers. */
export interface LoginModuleOptions {
  /** Where people may sign in: `[google({ clientId, clientSecret }), github({ … })]`. */
  readonly providers: readonly LoginProvider[];
  /**
   * Where a login may lead back to, and nowhere else. Origins of pages: `'https://app.example.com'`; the first one is the default. Whole
   * addresses of apps, which are called back themselves: `'com.example.app:/callback'`, compared exactly; `'http://127.0.0.1/callback'` with
   * any port.
   */
  readonly returnTo: string | readonly string[];
  /**
   * Decides who an identity is: a function, an object with the method `signIn`, or a class with it. `null` lets the person not in. What it
   * throws as `HttpException` or error of this package goes out as it is; anything else is answered with 503.
   *
   * @defaultValue the accounts of `AccountsModule`
   */
  readonly signIn?: LoginDecider['signIn'] | LoginDecider | LoginDeciderClass;
  /** Where the routes are, without slashes around it; a global prefix of the app precedes it. @defaultValue 'auth' */
  readonly path?: string;
  /**
   * Keeps the access and refresh tokens of providers, encrypted, for `LoginService.accessTokenOf`. Otherwise they are dropped as soon as it
   * is known who has signed in.
   *
   * @defaultValue false
   */
  readonly keepTokens?: boolean;
}

/** Decides who an identity is. */
export interface LoginDecider {
  signIn(
    identity: ExternalIdentity,
    context: LoginDecisionContext,
  ): SessionSubject | null | Promise<SessionSubject | null>;
}

/** A class that decides it. Nest's injector creates it, unless a module of the app provides it already. */
export interface LoginDeciderClass {
  // The dependencies are the app's own, and Nest's type of a class has these as well.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  new (...dependencies: any[]): LoginDecider;
}

/** What is known of a login, besides the identity. */
export interface LoginDecisionContext {
  /** The request of Express or Fastify. */
  readonly request: object;
  /**
   * The id of the user who links the identity to their account: return this user, or throw `AccountError` `IDENTITY_TAKEN`. `null` for
   * somebody who signs in.
   */
  readonly linkTo: string | null;
}

/** Makes the options, where a class is more handy than a function. */
export interface LoginOptionsFactory {
  createLoginOptions(): Omit<LoginModuleOptions, 'path'> | Promise<Omit<LoginModuleOptions, 'path'>>;
}

/** The options with everything filled in and checked. */
export interface LoginTerms {
  readonly where: string;
  readonly providers: readonly LoginProvider[];
  readonly addresses: ReturnAddresses;
  /** `null` where it was left out. */
  readonly signIn: AppObject<LoginDecider> | null;
  readonly keepTokens: boolean;
}

/** The names of all options but `path`. */
export const loginOptionNames = ['providers', 'returnTo', 'signIn', 'keepTokens'] as const;

/** @throws {ConfigurationError} for the first option that is wrong, missing or unknown. */
export function readLoginTerms(where: string, given: unknown, elsewhere?: string): LoginTerms {
  const options = readOptions(where, given, loginOptionNames, elsewhere);
  return Object.freeze({
    where,
    providers: readProviders(path(where, 'providers'), options['providers']),
    addresses: readReturnAddresses(where, options['returnTo']),
    signIn: readAppObject<LoginDecider>(where, options, 'signIn', 'signIn'),
    keepTokens: readSwitch(where, options, 'keepTokens', false),
  });
}

function readProviders(option: string, given: unknown): readonly LoginProvider[] {
  const fix = 'List what presets return: [google({ clientId, clientSecret })]';
  if (!Array.isArray(given) || given.length === 0) {
    throw new ConfigurationError(option, 'a list of providers is expected', fix);
  }
  const providers: readonly unknown[] = given;
  if (!providers.every(isLoginProvider)) throw new ConfigurationError(option, 'a member is no provider', fix);
  const ids = providers.map(({ id }) => id.toLowerCase());
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice === undefined) return Object.freeze([...providers]);
  throw new ConfigurationError(option, `two providers have the id ${twice}`, 'Give one of them another one: { id: … }');
}
