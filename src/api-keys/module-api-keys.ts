import type { AuthenticationScheme } from '../authentication/authentication-scheme.js';
import { type ApiKeysIssuer, moduleIssuer, OwnApiKeys } from '../issuers/module-issuer.js';
import type { TokenSource } from '../request/token-sources.js';
import { ApiKeyScheme, type ApiKeySchemeParts } from './api-key-scheme.js';

/**
 * Accepts the API keys that this app issues itself: `AuthModule.forRoot({ issuers: [ownTokens(), apiKeys()] })`. It stands for the
 * `ApiKeysModule` of the same app, which may be imported anywhere and in any order. Keys are read wherever access tokens are
 * (`Authorization: Bearer`, and `fromHeader('x-api-key')` when that is in `tokenFrom`), and from `Authorization: Basic`.
 *
 * @throws {ConfigurationError} when the app starts, if it has no `ApiKeysModule`, or two.
 */
export function apiKeys(): ApiKeysIssuer {
  return moduleIssuer({ preset: 'apiKeys', module: 'ApiKeysModule' });
}

/** Makes the scheme of the app's keys for `AuthModule`. */
export class ModuleApiKeys extends OwnApiKeys {
  /** Whether `AuthModule` accepts these keys. */
  isTrusted = false;

  constructor(private readonly parts: Omit<ApiKeySchemeParts, 'sources'>) {
    super();
  }

  override toScheme(sources: readonly TokenSource[]): AuthenticationScheme {
    this.isTrusted = true;
    return new ApiKeyScheme({ ...this.parts, sources });
  }
}
