import { readChoice, readOptions } from '../configuration/read-options.js';

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
