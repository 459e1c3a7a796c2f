import { path, readOptions, requireText, requireTexts } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';

/** Where passkeys are valid. A passkey belongs to the domain for ever: with another `rpId`, people register new ones. */
export interface PasskeyOptions {
  /**
   * The domain that passkeys belong to, without a port: `'example.com'` for pages of `example.com` and of all hosts below it, or
   * `'localhost'` during development.
   */
  readonly rpId: string;
  /** The name of the app, which browsers may show. */
  readonly rpName: string;
  /**
   * The origins of the pages that ask for passkeys, with the port where it is not 443: `['https://app.example.com']`. `http` is for
   * `localhost` alone. An Android app has `'android:apk-key-hash:…'`.
   */
  readonly origins: string | readonly string[];
}

/** The options, checked. */
export interface PasskeyTerms {
  readonly rpId: string;
  readonly rpName: string;
  readonly origins: readonly string[];
}

/** @throws {ConfigurationError} for the first option that is wrong, missing or unknown. */
export function readPasskeyTerms(where: string, given: unknown): PasskeyTerms {
  const options = readOptions(where, given, ['rpId', 'rpName', 'origins']);
  const rpId = requireText(where, options, 'rpId', "Write the domain of your pages, such as 'example.com'");
  const fault = findDomainFault(rpId);
  if (fault !== null) {
    throw new ConfigurationError(path(where, 'rpId'), fault, "Write the domain of your pages, such as 'example.com'");
  }
  const rpName = requireText(where, options, 'rpName', "Write the name of your app, such as 'Example'");
  const origins = requireTexts(where, options, 'origins', `Write the origins of your pages, such as 'https://${rpId}'`);
  for (const origin of origins) checkOrigin(path(where, 'origins'), origin, rpId);
  return Object.freeze({ rpId, rpName, origins });
}

/** The id of a relying party is a valid domain string (WebAuthn Level 3 §5.1.3), so no IP address. */
function findDomainFault(rpId: string): string | null {
  const isDomain = rpId.length <= 253 && /^(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)*(?!-)[a-z0-9-]{1,63}(?<!-)$/.test(rpId);
  if (!isDomain)
    return 'a domain in lower case is expected, without https://, port and path; others are written as xn--…';
  if (/(?:^|\.)\d+$/.test(rpId)) return 'browsers take a domain, and no IP address';
  return rpId === 'localhost' || rpId.includes('.') ? null : 'browsers take no top-level domain';
}

function checkOrigin(where: string, origin: string, rpId: string): void {
  if (origin.startsWith('android:')) {
    checkAndroidOrigin(where, origin);
    return;
  }
  const url = URL.canParse(origin) ? new URL(origin) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ConfigurationError(where, 'it is not the origin of a page', `Write one such as 'https://${rpId}'`);
  }
  if (url.origin !== origin) {
    throw new ConfigurationError(where, 'browsers write this origin in another way', `Write '${url.origin}'`);
  }
  if (url.protocol === 'http:' && url.hostname !== 'localhost') {
    throw new ConfigurationError(where, 'http is only allowed for localhost', `Write 'https://${url.host}'`);
  }
  if (url.hostname !== rpId && !url.hostname.endsWith(`.${rpId}`)) {
    const problem = `${url.hostname} is neither ${rpId} nor below it, so browsers would refuse the passkeys of ${rpId} there`;
    throw new ConfigurationError(where, problem, 'Set rpId to a domain that all of the hosts are, or are below');
  }
}

/** What Android gives in the place of an origin: the SHA-256 of the certificate that the app is signed with, in base64url. */
function checkAndroidOrigin(where: string, origin: string): void {
  if (/^android:apk-key-hash:[\w-]{43}$/.test(origin)) return;
  throw new ConfigurationError(
    where,
    'the origin of an Android app has the SHA-256 of its certificate in base64url',
    "Write 'android:apk-key-hash:' and its 43 characters",
  );
}
