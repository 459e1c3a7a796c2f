import type { AuthSettings } from '../auth-settings.js';
import { readAddress } from '../configuration/read-address.js';
import { type GivenOptions, path, readNumber, readOptions, requireTexts } from '../configuration/read-options.js';
import type { Clock } from '../clock/clock.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { type EncryptionKeys, readEncryptionKeys } from '../issuing/encryption-keys.js';
import { type ReturnAddresses, readReturnAddresses } from '../login/return-addresses.js';
import { type CookieOptions, type CookieTerms, readCookieTerms } from '../sessions/session-cookies.js';
import { readDelivery, requirePublicUrl, type SessionTerms } from '../sessions/session-options.js';
import type { TokenDelivery } from '../sessions/session-store.js';

/** How the sessions that Stack Auth keeps are delivered to clients. */
export interface StackAuthModuleOptions {
  /**
   * Where the routes are, without slashes around it; a global prefix of the app precedes it. `false`: there are no routes.
   *
   * @defaultValue 'auth'
   */
  readonly path?: string | false;
  /**
   * How clients may receive their tokens: in cookies or in the body of the response. A client chooses with the header
   * `X-Token-Delivery` when it signs in. The first one applies to clients that do not choose.
   *
   * @defaultValue ['cookies', 'body']
   */
  readonly delivery?: readonly TokenDelivery[];
  readonly cookies?: CookieOptions;
  /**
   * Seconds for which browsers keep the cookies after a sign-in or a refresh, 60 to 34,560,000 (400 days, the most that browsers
   * allow). When the session has ended at Stack Auth before, the refresh is answered with 401.
   *
   * @defaultValue 31_536_000 (365 days), the lifetime of Stack Auth's refresh tokens
   */
  readonly cookieSeconds?: number;
  readonly links?: StackAuthLinks;
  /**
   * Where a login by another provider may lead back to, and where links of mails may lead to, and nowhere else. Origins of pages, of which the
   * first is the default, and whole addresses of apps, as for `LoginModule`.
   *
   * @defaultValue the origin of `publicUrl`, then `trustedOrigins`
   */
  readonly returnTo?: string | readonly string[];
  /** The ids of the providers that `/auth/login/:provider` leads to. @defaultValue all that Stack Auth knows */
  readonly providers?: readonly string[];
  /**
   * Encrypts the cookie of a login that has begun: 32 bytes in base64, or a list of such texts, newest first. All instances need the same.
   *
   * @defaultValue the environment variable `GATEHOUSE_ENCRYPTION_KEY`; else a key that is derived from `stackAuth({ secretServerKey })`; else
   * a random one, with which a login has to end at the instance where it began
   */
  readonly encryptionKey?: string | readonly string[];
}

/** The pages that the mails of Stack Auth lead to. Each must be at a trusted domain of the project. */
export interface StackAuthLinks {
  /** Gets `?code=` for `POST /auth/magic-link/confirm`. @defaultValue `publicUrl` */
  readonly magicLink?: string;
  /** Gets `?code=` after a sign-up, for the SDK of Stack Auth. Left out, a sign-up sends no mail. */
  readonly verifyEmail?: string;
}

/** Makes the options, where a class is more handy than a function. */
export interface StackAuthOptionsFactory {
  createStackAuthOptions(): Omit<StackAuthModuleOptions, 'path'> | Promise<Omit<StackAuthModuleOptions, 'path'>>;
}

/** The options with everything filled in and checked. */
export interface StackAuthTerms extends Pick<SessionTerms, 'delivery' | 'cookies' | 'publicUrl'> {
  readonly cookies: CookieTerms;
  readonly cookieSeconds: number;
  readonly magicLink: string;
  /** `null`: a sign-up sends no mail. */
  readonly verifyEmailLink: string | null;
  readonly addresses: ReturnAddresses;
  readonly providers: readonly string[];
  /** `null` where there is none, in the environment neither. */
  readonly encryptionKeys: EncryptionKeys | null;
  readonly clock: Clock;
}

/** The names of all options but `path`. */
export const stackAuthOptionNames: readonly string[] = [
  'delivery',
  'cookies',
  'cookieSeconds',
  'links',
  'returnTo',
  'providers',
  'encryptionKey',
];

/** The ids of the providers that Stack Auth knows. */
const knownProviders = Object.freeze(
  'google github microsoft spotify facebook discord gitlab bitbucket linkedin apple x twitch'.split(' '),
);

const day = 86_400;

/**
 * Fills in and checks what an app has given, without `path`.
 *
 * @throws {ConfigurationError} for the first option that is wrong, missing or unknown.
 */
export function readStackAuthTerms(where: string, given: unknown, settings: AuthSettings): StackAuthTerms {
  const options = readOptions(where, given, stackAuthOptionNames);
  const publicUrl = requirePublicUrl(settings, 'StackAuthModule needs it for cookies');
  return Object.freeze({
    delivery: readDelivery(where, options),
    cookies: readCookieTerms(path(where, 'cookies'), options['cookies'] ?? {}, settings, publicUrl),
    cookieSeconds:
      readNumber(where, options, 'cookieSeconds', { least: 60, most: 400 * day, whole: true }) ?? 365 * day,
    ...readLinks(path(where, 'links'), options, publicUrl),
    addresses: readReturnAddresses(
      where,
      options['returnTo'] ?? [new URL(publicUrl).origin, ...settings.trustedOrigins],
    ),
    providers: options['providers'] === undefined ? knownProviders : readProviders(where, options),
    encryptionKeys: readKeys(path(where, 'encryptionKey'), options['encryptionKey']),
    publicUrl,
    clock: settings.clock,
  });
}

function readProviders(where: string, options: GivenOptions): readonly string[] {
  const fix = "List ids such as 'google'";
  const ids = requireTexts(where, options, 'providers', fix);
  if (ids.every((id) => /^[\w-]{1,64}$/.test(id))) return ids;
  throw new ConfigurationError(path(where, 'providers'), 'a member is no id of a provider', fix);
}

function readKeys(where: string, given: unknown): EncryptionKeys | null {
  const key = given ?? process.env['GATEHOUSE_ENCRYPTION_KEY'];
  return key === undefined || key === '' ? null : readEncryptionKeys(where, key);
}

function readLinks(
  where: string,
  { links = {} }: GivenOptions,
  publicUrl: string,
): Pick<StackAuthTerms, 'magicLink' | 'verifyEmailLink'> {
  const options = readOptions(where, links, ['magicLink', 'verifyEmail']);
  const rule = { insecureHttp: false };
  return {
    magicLink: readAddress(where, options, 'magicLink', rule) ?? publicUrl,
    verifyEmailLink: readAddress(where, options, 'verifyEmail', rule) ?? null,
  };
}
