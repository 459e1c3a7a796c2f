import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { KeptTokens } from './kept-tokens.js';
import type { ProviderClient } from './provider-client.js';

export interface LoginServiceParts {
  readonly clients: ReadonlyMap<string, ProviderClient>;
  readonly callbackUrl: (provider: string) => string;
  /** `null` where the app does not keep the tokens of providers. */
  readonly keptTokens: KeptTokens | null;
}

/** A provider that people can sign in by. */
export interface LoginChoice {
  /** As in the addresses of its routes. */
  readonly id: string;
  /** The address that has to be registered at the provider. */
  readonly callbackUrl: string;
}

/** What an app can do with the providers of its users. `LoginModule` provides it to all modules. */
export class LoginService {
  constructor(private readonly parts: LoginServiceParts) {}

  /** The providers that people can sign in by, in the order of the options. */
  providers(): readonly LoginChoice[] {
    return [...this.parts.clients.keys()].map((id) => ({ id, callbackUrl: this.parts.callbackUrl(id) }));
  }

  /**
   * An access token of a provider for one of the app's users, to call the provider's API with. One that has expired is replaced first, once for
   * any number of callers in all instances. Keep it out of logs and of answers to browsers.
   *
   * @param userId the user who has signed in by the provider, or has linked it
   * @param provider the id of the provider: `github`
   * @throws {ConfigurationError} without `LoginModule.forRoot({ keepTokens: true })`
   * @throws {RefusalError} `NOT_FOUND` where there is no token of this user and provider; `LOGIN_REFUSED` where the provider does not replace
   *   the expired one: the person has to sign in there again
   * @throws {AuthUnavailableError} where the provider, or the store, does not answer
   */
  async accessTokenOf(userId: string, provider: string): Promise<string> {
    const keptTokens = this.getKeptTokens('accessTokenOf');
    const client = this.findClient(provider);
    if (client === undefined) throw RefusalError.of('NOT_FOUND', 'There is no provider of this id');
    return await keptTokens.accessTokenOf(userId, client);
  }

  /**
   * Forgets the kept tokens of a user: for an app with users of its own, when a user is deleted or a provider is unlinked. `AccountsModule` does
   * so by itself.
   *
   * @param provider the id of one provider. @defaultValue all of them
   * @throws {ConfigurationError} without `LoginModule.forRoot({ keepTokens: true })`
   * @throws {AuthUnavailableError} where the store does not answer
   */
  async forget(userId: string, provider?: string): Promise<void> {
    const keptTokens = this.getKeptTokens('forget');
    await keptTokens.remove(userId, provider === undefined ? null : (this.findClient(provider)?.id ?? provider));
  }

  private findClient(provider: string): ProviderClient | undefined {
    const name = provider.toLowerCase();
    return [...this.parts.clients.values()].find(({ id }) => id.toLowerCase() === name);
  }

  private getKeptTokens(method: string): KeptTokens {
    const { keptTokens } = this.parts;
    if (keptTokens !== null) return keptTokens;
    throw new ConfigurationError(
      'LoginModule.forRoot({ keepTokens })',
      `${method} was called, and the tokens of providers are dropped`,
      'Write keepTokens: true',
    );
  }
}
