import { type AddressRule, readAddress } from '../../configuration/read-address.js';
import { type GivenOptions, path, readOptions, readText, requireText } from '../../configuration/read-options.js';
import { ConfigurationError } from '../../errors/auth-error.js';
import type { LoginProvider } from '../login-provider.js';

/** How an app is registered at a provider. */
export interface LoginClientOptions {
  /** The id that the provider has given to this app. */
  readonly clientId: string;
  /** The secret that came with it; a function for a provider whose secrets expire, which is called for each login. */
  readonly clientSecret: string | (() => string | Promise<string>);
  /**
   * The name of the provider in the addresses of its routes and in the identities of accounts: letters, digits and `-`, at most 64. Two
   * registrations at one provider have two. Accounts are found by it, so do not change it later.
   *
   * @defaultValue the name of the preset in lower case
   */
  readonly id?: string;
  /** What the app asks for besides what the preset needs for signing in. */
  readonly scopes?: readonly string[];
  /**
   * Further parameters of the address that the browser is sent to, such as `{ prompt: 'select_account' }`. Those of the protocol itself
   * (`state`, `redirect_uri`, …) cannot be set.
   */
  readonly authorizationParameters?: Readonly<Record<string, string>>;
}

const sharedNames = ['clientId', 'clientSecret', 'id', 'scopes', 'authorizationParameters'] as const;

/** Plain http is for this machine only. */
export const loginAddressRule: AddressRule = { insecureHttp: false };

type LoginClient = Pick<LoginProvider, 'id' | 'preset' | 'clientId' | 'clientSecret' | 'authorizationParameters'>;

/** What a login binds its answer to, and what the client states elsewhere: RFC 6749, 7636 and 9101, OpenID Connect Core 1.0. */
const reservedParameters = [
  ...['response_type', 'response_mode', 'client_id', 'client_secret', 'redirect_uri', 'scope', 'state', 'nonce'],
  // Nothing checks that the provider has heeded them.
  ...['max_age', 'acr_values'],
  ...['code', 'code_challenge', 'code_challenge_method', 'code_verifier', 'request', 'request_uri', 'iss'],
];

/**
 * Checks the options of a preset and reads those that all presets have.
 *
 * @param secret whether the app may be a public client, without one
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function readLoginClient(
  preset: string,
  given: unknown,
  ownNames: readonly string[],
  secret: 'required' | 'optional' = 'required',
): { readonly options: GivenOptions; readonly client: LoginClient } {
  const options = readOptions(preset, given, [...sharedNames, ...ownNames]);
  const fix = 'Write the id that the provider has given to this app';
  const client = {
    preset,
    id: readId(preset, options),
    clientId: requireText(preset, options, 'clientId', fix),
    clientSecret: readSecret(preset, options, secret),
    authorizationParameters: readParameters(preset, options),
  };
  return { options, client };
}

/** Reads a list of scopes; `undefined` when the option was left out. */
export function readScopes(preset: string, options: GivenOptions): readonly string[] | undefined {
  const value = options['scopes'];
  if (value === undefined) return undefined;
  const scopes: readonly unknown[] = Array.isArray(value) ? value : [undefined];
  // RFC 6749 §3.3.
  if (scopes.every((scope) => typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))) {
    return [...new Set(scopes as readonly string[])];
  }
  throw new ConfigurationError(path(preset, 'scopes'), 'a list of scopes is expected', "Write ['one', 'two']");
}

/** The scopes that a preset needs, and those that the app asks for in addition. */
export function addScopes(preset: string, options: GivenOptions, needed: readonly string[]): readonly string[] {
  return [...new Set([...needed, ...(readScopes(preset, options) ?? [])])];
}

/** Reads the address of a server, without a path, and gives it without a slash at the end. */
export function readOrigin(preset: string, options: GivenOptions, option: string, usual: string): string {
  const url = readAddress(preset, options, option, loginAddressRule) ?? usual;
  const { origin } = new URL(url);
  if (url.replace(/\/$/, '') === origin) return origin;
  throw new ConfigurationError(path(preset, option), 'it is not an origin', `Write ${origin}`);
}

function readId(preset: string, options: GivenOptions): string {
  // In lower case, as addresses usually are: `linkedin`.
  const id = readText(preset, options, 'id') ?? preset.toLowerCase();
  if (/^[A-Za-z0-9-]{1,64}$/.test(id)) return id;
  throw new ConfigurationError(
    path(preset, 'id'),
    'it stands in addresses, and has other characters or more than 64 of them',
    'Write letters, digits and -',
  );
}

function readSecret(
  preset: string,
  options: GivenOptions,
  secret: 'required' | 'optional',
): LoginProvider['clientSecret'] {
  const value = options['clientSecret'];
  if (typeof value === 'function') return value as () => string | Promise<string>;
  const text = readText(preset, options, 'clientSecret');
  if (text !== undefined) return () => text;
  if (secret === 'optional') return null;
  const fix = 'Write the secret that the provider has given to this app';
  throw new ConfigurationError(path(preset, 'clientSecret'), 'it is missing', fix);
}

function readParameters(preset: string, options: GivenOptions): Readonly<Record<string, string>> {
  const value = options['authorizationParameters'];
  if (value === undefined) return {};
  const where = path(preset, 'authorizationParameters');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigurationError(where, 'an object of texts is expected', "Write { prompt: 'select_account' }");
  }
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw new ConfigurationError(where, `${name} is not a text`, 'Write a string');
    if (!reservedParameters.includes(name)) continue;
    throw new ConfigurationError(where, `${name} belongs to the protocol and cannot be set`, 'Leave it out');
  }
  return { ...(value as Record<string, string>) };
}
