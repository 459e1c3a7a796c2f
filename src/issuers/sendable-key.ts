import { ConfigurationError } from '../errors/configuration-error.js';

/**
 * A key of the app that is sent in a header. Anything else could not be sent, and the platform's error about it
 * would repeat the key.
 *
 * @throws {ConfigurationError}
 */
export function checkSendableKey(where: string, key: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new ConfigurationError(
    where,
    'a key is printable ASCII without spaces',
    'Check for a line break or a quote that was copied along',
  );
}
