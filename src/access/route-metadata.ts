import 'reflect-metadata';

import { readChoice, readOptions } from '../configuration/read-options.js';
import type { Requirement } from './requirement.js';

/** What a decorator has written on a handler or on a class. */
export type AuthMetadata =
  | { readonly mode: 'public' }
  | { readonly mode: 'optional'; readonly options: OptionalAuthOptions };

// Registered, so that a mark is found although the package is installed twice.
const authMetadataKey = Symbol.for('nest-gatehouse.mark');

/** Writes a mark. The decorator nearest to the name runs first, so of two on one place the upper one counts. */
export function writeAuthMetadata(target: object, mark: AuthMetadata): void {
  Reflect.defineMetadata(authMetadataKey, mark, target);
}

/** The mark that stands on this very handler or class; not one that a class inherits. */
export function readAuthMetadata(target: object): AuthMetadata | undefined {
  return Reflect.getOwnMetadata(authMetadataKey, target) as AuthMetadata | undefined;
}

const acceptedCredentialsKey = Symbol.for('nest-gatehouse.accepted-credentials');

/** Limits a handler or a class to kinds of credentials. */
export function writeAcceptedCredentials(target: object, kinds: readonly string[]): void {
  Reflect.defineMetadata(acceptedCredentialsKey, kinds, target);
}

/** The kinds of credentials that this very handler or class is limited to; not those that a class inherits. */
export function readAcceptedCredentials(target: object): readonly string[] | undefined {
  return Reflect.getOwnMetadata(acceptedCredentialsKey, target) as readonly string[] | undefined;
}

/** What a decorator adds to whatever else a handler or a class requires. */
export type DeclaredRequirement = Requirement | VerifyOnline;

/** The issuer itself must say, now, that the token is good. */
interface VerifyOnline {
  readonly kind: 'online';
}

// Registered, as marks are.
const requirementsKey = Symbol.for('nest-gatehouse.demands');

/** Adds a demand to a handler or a class; those that stand there stay. */
export function addRequirement(target: object, demand: DeclaredRequirement): void {
  // The decorator nearest to the name runs first, and is read last.
  Reflect.defineMetadata(requirementsKey, [demand, ...readRequirements(target)], target);
}

/** The demands on this very handler or class, as they are written from top to bottom; none that a class inherits. */
export function readRequirements(target: object): readonly DeclaredRequirement[] {
  return (Reflect.getOwnMetadata(requirementsKey, target) as readonly DeclaredRequirement[] | undefined) ?? [];
}

/** What optional authentication does with a token that does not pass, or that cannot be judged. */
export interface OptionalAuthOptions {
  /**
   * A token came and was refused: `'anonymous'` runs the handler without a user and puts the reason into a
   * challenge, so that the client knows to refresh; `'reject'` answers 401.
   *
   * @defaultValue 'anonymous'
   */
  readonly onInvalid?: 'anonymous' | 'reject';
  /**
   * The issuer's keys cannot be had: `'reject'` answers 503; `'anonymous'` runs the handler without a user,
   * and so shows signed-in people the page for strangers until the issuer is back.
   *
   * @defaultValue 'reject'
   */
  readonly onUnavailable?: 'reject' | 'anonymous';
}

const onInvalid = ['anonymous', 'reject'] as const;
const onUnavailable = ['reject', 'anonymous'] as const;

/**
 * Checks given options and keeps those that were given.
 *
 * @throws {ConfigurationError}
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
