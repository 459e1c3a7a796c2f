import 'reflect-metadata';

import { readChoice, readOptions } from '../configuration/read-options.js';
import type { Requirement } from './requirement.js';

/** The metadata that `@Public()` or `@OptionalAuth()` writes on a handler or a class. */
export type AuthMetadata =
  | { readonly mode: 'public' }
  | { readonly mode: 'optional'; readonly options: OptionalAuthOptions };

// A registered symbol, so that a second installed copy of the package finds the metadata. Released versions use this name.
const authMetadataKey = Symbol.for('nest-gatehouse.mark');

/**
 * Writes the metadata of `@Public()` or `@OptionalAuth()`. Decorators run from the bottom to the top, so of two on one class or
 * handler the upper one wins.
 */
export function writeAuthMetadata(target: object, metadata: AuthMetadata): void {
  Reflect.defineMetadata(authMetadataKey, metadata, target);
}

/** The metadata of exactly this handler or class, without that of classes that it extends. */
export function readAuthMetadata(target: object): AuthMetadata | undefined {
  return Reflect.getOwnMetadata(authMetadataKey, target) as AuthMetadata | undefined;
}

const acceptedCredentialsKey = Symbol.for('nest-gatehouse.accepted-credentials');

/** Limits a handler or a class to certain kinds of credentials. */
export function writeAcceptedCredentials(target: object, kinds: readonly string[]): void {
  Reflect.defineMetadata(acceptedCredentialsKey, kinds, target);
}

/** The kinds of credentials to which exactly this handler or class is limited, without those of classes that it extends. */
export function readAcceptedCredentials(target: object): readonly string[] | undefined {
  return Reflect.getOwnMetadata(acceptedCredentialsKey, target) as readonly string[] | undefined;
}

const mayOutliveTokenKey = Symbol.for('nest-gatehouse.may-outlive-token');

/** Lets the responses of a handler, or of a class, go on after their token has ended. */
export function writeMayOutliveToken(target: object): void {
  Reflect.defineMetadata(mayOutliveTokenKey, true, target);
}

/** Whether the responses of exactly this handler or class may go on. */
export function readMayOutliveToken(target: object): boolean {
  return Reflect.hasOwnMetadata(mayOutliveTokenKey, target);
}

/** A requirement that a decorator adds to the others of a handler or a class. */
export type DeclaredRequirement = Requirement | VerifyOnline;

/** The issuer must confirm the token at each request (`@VerifyOnline()`). */
interface VerifyOnline {
  readonly kind: 'online';
}

// A registered symbol, for the same reason.
const requirementsKey = Symbol.for('nest-gatehouse.demands');

/** Adds a requirement to those that a handler or a class has already. */
export function addRequirement(target: object, requirement: DeclaredRequirement): void {
  // Decorators run from the bottom to the top, so each one is put before those that have run.
  Reflect.defineMetadata(requirementsKey, [requirement, ...readRequirements(target)], target);
}

/** The requirements on exactly this handler or class, from top to bottom, without those of classes that it extends. */
export function readRequirements(target: object): readonly DeclaredRequirement[] {
  return (Reflect.getOwnMetadata(requirementsKey, target) as readonly DeclaredRequirement[] | undefined) ?? [];
}

/** What a route with optional authentication does when a token is invalid, or cannot be verified. */
export interface OptionalAuthOptions {
  /**
   * When the request carries an invalid token, `'anonymous'` runs the handler without a user and adds a challenge with the
   * reason to the answer, so that the client knows to refresh the token; `'reject'` answers 401.
   *
   * @defaultValue 'anonymous'
   */
  readonly onInvalid?: 'anonymous' | 'reject';
  /**
   * When a token cannot be verified because of an outage, `'reject'` answers 503; `'anonymous'` runs the handler without a
   * user, so that signed-in people get the answer for anonymous callers until the outage ends.
   *
   * @defaultValue 'reject'
   */
  readonly onUnavailable?: 'reject' | 'anonymous';
}

const onInvalid = ['anonymous', 'reject'] as const;
const onUnavailable = ['reject', 'anonymous'] as const;

/**
 * Reads the options of `@OptionalAuth()`. Options that are left out stay left out, because the module's defaults apply to them.
 *
 * @throws {ConfigurationError} for an unknown option or a wrong value.
 */
export function readOptionalAuthOptions(where: string, given: unknown): OptionalAuthOptions {
  const options = readOptions(where, given, ['onInvalid', 'onUnavailable']);
  return Object.freeze({
    ...(options['onInvalid'] !== undefined && {
      onInvalid: readChoice(where, options, 'onInvalid', onInvalid, 'anonymous'),
    }),
    ...(options['onUnavailable'] !== undefined && {
      onUnavailable: readChoice(where, options, 'onUnavailable', onUnavailable, 'reject'),
    }),
  });
}
