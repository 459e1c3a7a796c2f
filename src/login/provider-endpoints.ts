import { AuthUnavailableError } from '../errors/auth-error.js';
import { callEndpoint } from '../issuers/discovered-issuer.js';
import { secondsToRecover } from '../issuers/provider-answer.js';
import { discoveredKeys, keysFrom } from '../issuers/remote-keys.js';
import { findEndpoint } from '../keys/discovery.js';
import type { KeySource } from '../keys/key-source.js';
import type { JsonObject } from '../token/json-object.js';
import { type AuthContext, createCapability } from '../upstream/auth-context.js';
import type { HttpAnswer, HttpCall } from '../upstream/http-client.js';
import type { LoginProvider } from './login-provider.js';

/** The endpoints of a provider, by the names of its metadata: `token_endpoint`. */
export class ProviderEndpoints {
  constructor(
    private readonly provider: LoginProvider,
    private readonly context: AuthContext,
  ) {}

  /** The members of the metadata. @throws {UpstreamFailure} when they cannot be had. */
  async members(): Promise<JsonObject> {
    const { metadata } = this.provider;
    if ('members' in metadata) return metadata.members;
    // A person waits, so the metadata are fetched by the client that repeats failed calls.
    const getJson = (address: string) => this.context.providerClient(address).getJson(address);
    return (await metadata.discovered.documentOn(this.context).find({ getJson })).members;
  }

  /** The address of an endpoint. @throws {AuthUnavailableError} where the metadata name none. */
  async addressOf(name: string): Promise<string> {
    const { metadata } = this.provider;
    const members = await this.members();
    const address =
      'members' in metadata
        ? members[name]
        : findEndpoint({ issuer: '', jwksUri: '', members }, name, metadata.discovered.rule);
    if (typeof address === 'string') return address;
    throw this.missing(name);
  }

  /**
   * Calls an endpoint.
   *
   * @param parameters of the address, for a provider whose endpoints are known without its metadata
   * @returns `null` where there is no such endpoint.
   * @throws {UpstreamFailure} when there is no answer.
   */
  async call(
    name: string,
    call: Omit<HttpCall, 'url'>,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer | null> {
    const { metadata } = this.provider;
    if ('discovered' in metadata) return callEndpoint(metadata.discovered, name, this.context, call);
    const address = metadata.members[name];
    if (typeof address !== 'string') return null;
    const url = new URL(address);
    for (const [parameter, value] of Object.entries(parameters)) url.searchParams.set(parameter, value);
    return this.context.providerClient(url.href).call({ ...call, url: url.href });
  }

  /** The keys that its ID tokens are verified with; `null` for a provider that issues none. Calls nothing yet. */
  keys(): KeySource | null {
    const { metadata, idToken } = this.provider;
    if (idToken === null) return null;
    if ('discovered' in metadata) return createCapability(discoveredKeys(metadata.discovered), this.context);
    const address = metadata.members['jwks_uri'];
    return typeof address === 'string' ? createCapability(keysFrom(address), this.context) : null;
  }

  missing(name: string): AuthUnavailableError {
    const { preset } = this.provider;
    return new AuthUnavailableError(`The metadata of ${preset} have no ${name}`, secondsToRecover);
  }
}
