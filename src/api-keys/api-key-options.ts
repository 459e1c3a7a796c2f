import type { AuthSettings } from '../auth-settings.js';
import type { AppObject } from '../app-object.js';
import { path, readNumber, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { readFinder, type SubjectFinderClass } from '../sessions/session-options.js';
import type { SubjectFinder } from '../sessions/session-subject.js';
import { readApiKeyPrefix } from './api-key-format.js';

/** How the app issues API keys. */
export interface ApiKeysModuleOptions {
  /**
   * What every key of the app begins with: 2 to 16 lower-case letters and digits, the first a letter, optionally followed by
   * `_live` or `_test`. Keys of another prefix are no longer accepted when it is changed.
   */
  readonly prefix: string;
  /** Whether a key may be sent as `Authorization: Basic base64(id:secret)` (RFC 7617). @defaultValue true */
  readonly basic?: boolean;
  /**
   * Whether the app has the routes `/oauth/token` (RFC 6749 §4.4), `/oauth/revoke` (RFC 7009) and `/oauth/introspect` (RFC 7662).
   * It needs `SessionsModule`, which issues the tokens.
   *
   * @defaultValue false
   */
  readonly tokenEndpoint?: boolean;
  /**
   * Looks up the user of a key: a function, an object with the method `findSubject`, or a class with it. `null` refuses the keys of
   * this user. If it throws, the answer is 503.
   *
   * @defaultValue that of `SessionsModule`, then the accounts of `AccountsModule`
   */
  readonly findSubject?: SubjectFinder['findSubject'] | SubjectFinder | SubjectFinderClass;
  /**
   * The longest that a key may live, in seconds, from 60. A key that is created without `expiresAt` then expires after that time.
   *
   * @defaultValue keys without `expiresAt` do not expire
   */
  readonly maxLifetimeSeconds?: number;
  /**
   * Seconds for which a key that was verified is known without asking the store, 0 to 3600. Another process that revokes a key, or
   * disables its user, is noticed after that time at the latest.
   *
   * @defaultValue 30
   */
  readonly cacheSeconds?: number;
}

/** Makes the options, where a class is more handy than a function. */
export interface ApiKeyOptionsFactory {
  createApiKeyOptions(): ApiKeysModuleOptions | Promise<ApiKeysModuleOptions>;
}

/** The options with everything filled in and checked. */
export interface ApiKeyTerms {
  /** Who gave them, for messages: `ApiKeysModule.forRoot`. */
  readonly where: string;
  readonly prefix: string;
  readonly basic: boolean;
  readonly tokenEndpoint: boolean;
  /** `null` where it was left out. */
  readonly findSubject: AppObject<SubjectFinder> | null;
  /** `null` where keys may live for ever. */
  readonly maxLifetimeMs: number | null;
  readonly cacheMs: number;
  /** What `AuthModule` tells the other modules. */
  readonly settings: AuthSettings;
}

const names: readonly (keyof ApiKeysModuleOptions)[] = [
  'prefix',
  'basic',
  'tokenEndpoint',
  'findSubject',
  'maxLifetimeSeconds',
  'cacheSeconds',
];
const aHundredYears = 3_155_760_000;

/** @throws {ConfigurationError} for the first option that is wrong, missing or unknown. */
export function readApiKeyTerms(where: string, given: unknown): Omit<ApiKeyTerms, 'settings'> {
  const options = readOptions(where, given, names);
  const maxLifetimeSeconds = readNumber(where, options, 'maxLifetimeSeconds', { least: 60, most: aHundredYears });
  return Object.freeze({
    where,
    prefix: readApiKeyPrefix(path(where, 'prefix'), options['prefix']),
    basic: readSwitch(where, options, 'basic', true),
    tokenEndpoint: readSwitch(where, options, 'tokenEndpoint', false),
    findSubject: readFinder(where, options),
    maxLifetimeMs: maxLifetimeSeconds === undefined ? null : maxLifetimeSeconds * 1_000,
    cacheMs: (readNumber(where, options, 'cacheSeconds', { least: 0, most: 3_600 }) ?? 30) * 1_000,
  });
}

/** @throws {ConfigurationError} always: nothing in the app knows its users. */
export function refuseWithoutFinder(where: string): never {
  throw new ConfigurationError(
    path(where, 'findSubject'),
    'it is missing, and nothing else in this app knows its users',
    'Write findSubject: (userId) => users.find(userId), or import SessionsModule or AccountsModule, whose users are looked up then',
  );
}
