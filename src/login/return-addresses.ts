import { path } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';

/** In the form in which it is sent. A longer one would not fit into the cookie of a login together with what else that keeps. */
const longestAddress = 1_000;
/** No address that is written correctly has one of these: they are encoded. Browsers drop some of them silently, and read `\` as `/`. */
const forbiddenCharacters = /[\p{Cc}\p{Z}\\]/u;
/** RFC 8252 §7.3: these name the machine of the client, whatever its host file says. */
const loopbackAddresses: readonly string[] = ['127.0.0.1', '[::1]'];

/** An address of an app: compared exactly, on this machine of the client with any port. */
interface AppAddress {
  readonly text: string;
  /** The parts of an address on the client's own machine; `null` for any other. */
  readonly loopback: { readonly hostname: string; readonly path: string } | null;
}

/** Where a login may lead back to, as the option `returnTo` lists it. */
export class ReturnAddresses {
  constructor(
    private readonly origins: readonly string[],
    private readonly apps: readonly AppAddress[],
  ) {}

  /** Where a login leads to that names no address: the first origin; `null` where only apps are listed. */
  get first(): string | null {
    const [origin] = this.origins;
    return origin === undefined ? null : `${origin}/`;
  }

  /**
   * The page that a login leads back to. A relative address is one of the first origin.
   *
   * @throws {RefusalError} `INVALID_INPUT` for an address of another origin.
   */
  resolvePage(given: unknown): string {
    const { first } = this;
    if (first === null) throw refuse('returnTo', 'this app has no pages to return to');
    if (given === undefined || given === null) return first;
    const url = typeof given === 'string' ? parseAddress(given, first) : null;
    // The origin of a `blob:` address is that of the page that made it.
    if (url === null || !isWeb(url) || !this.origins.includes(url.origin))
      throw refuse('returnTo', 'it is not an address of this app');
    return url.href;
  }

  /**
   * The address of a frontend or an app that the provider calls back.
   *
   * @param path what the address is called where it was given
   * @throws {RefusalError} `INVALID_INPUT` for an address that is not listed.
   */
  resolveCallback(given: unknown, path = 'redirectUri'): string {
    // It is kept and sent as it was given, so it must be written as an address is sent.
    if (typeof given !== 'string' || !/^[\x21-\x7e]+$/.test(given)) throw refuse(path, 'it is not an address');
    if (this.isApp(given)) return given;
    const url = parseAddress(given);
    // The provider compares it with what is registered there, character by character.
    if (url !== null && isWeb(url) && url.hash === '' && this.origins.includes(url.origin)) return given;
    throw refuse(path, 'it is not an address of this app');
  }

  private isApp(given: string): boolean {
    if (this.apps.some(({ text }) => text === given)) return true;
    const url = parseAddress(given);
    if (url === null || url.protocol !== 'http:' || url.hash !== '') return false;
    const called = url.pathname + url.search;
    return this.apps.some(
      ({ loopback }) => loopback?.hostname === url.hostname && (loopback.path === '/' || loopback.path === called),
    );
  }
}

/**
 * Reads the option `returnTo`: origins, and addresses of apps.
 *
 * @throws {ConfigurationError} for an address that a login must never lead to.
 */
export function readReturnAddresses(where: string, given: unknown): ReturnAddresses {
  const option = path(where, 'returnTo');
  const entries: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (given === undefined || entries.length === 0) {
    throw new ConfigurationError(
      option,
      'it is missing',
      "Write the origins of your pages: ['https://app.example.com']",
    );
  }
  const read = entries.map((entry) => readEntry(option, entry));
  return new ReturnAddresses(
    read.flatMap(({ origin }) => origin ?? []),
    read.flatMap(({ app }) => app ?? []),
  );
}

/** One entry of the list: one of the two. */
interface ReturnEntry {
  readonly origin: string | null;
  readonly app: AppAddress | null;
}

function readEntry(option: string, entry: unknown): ReturnEntry {
  const url = typeof entry === 'string' ? parseAddress(entry) : null;
  if (typeof entry !== 'string' || url === null || url.hash !== '') throw wrongEntry(option, 'it is not an address');
  if (!isWeb(url)) return { origin: null, app: { text: checkAppScheme(option, entry, url), loopback: null } };
  const app = findWebApp(entry, url);
  return { origin: app === null ? url.origin : null, app };
}

/** The address of an app that answers on the client's machine, or that has claimed an https address; `null` for an origin of pages. */
function findWebApp(text: string, { origin, protocol, hostname, port, pathname, search }: URL): AppAddress | null {
  const hasAnyPort = protocol === 'http:' && loopbackAddresses.includes(hostname) && port === '';
  if (hasAnyPort) return { text, loopback: { hostname, path: pathname + search } };
  return text === origin || text === `${origin}/` ? null : { text, loopback: null };
}

/** https, or http on this machine, where no other machine can read what is sent. */
function isWeb({ protocol, hostname }: URL): boolean {
  const isLocal = hostname === 'localhost' || hostname.endsWith('.localhost') || loopbackAddresses.includes(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLocal);
}

/** RFC 8252 §7.1: the scheme of an app is a domain of its maker, reversed, so it has a dot. `javascript:` has none. */
function checkAppScheme(option: string, entry: string, { protocol }: URL): string {
  if (/^[a-z][a-z\d+-]*(?:\.[a-z\d+-]+)+:$/.test(protocol)) return entry;
  throw wrongEntry(option, `a login must not lead to ${protocol}`);
}

function wrongEntry(option: string, problem: string): ConfigurationError {
  return new ConfigurationError(
    option,
    problem,
    "List origins such as 'https://app.example.com' (http only on this machine), and addresses of apps such as 'com.example.app:/callback'",
  );
}

function parseAddress(text: string, base?: string): URL | null {
  if (text === '' || text.length > longestAddress || forbiddenCharacters.test(text)) return null;
  if (!URL.canParse(text, base)) return null;
  const url = new URL(text, base);
  // Characters that an address cannot have are written with three or more.
  return url.username !== '' || url.password !== '' || url.href.length > longestAddress ? null : url;
}

function refuse(path: string, message: string): RefusalError {
  return RefusalError.input([{ path, message }]);
}
