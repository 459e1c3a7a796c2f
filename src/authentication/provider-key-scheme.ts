import type { Challenge } from '../challenge/error-answers.js';
import { type Clock, readMilliseconds } from '../clock/clock.js';
import { checkCredential, type Credential, findCredential } from '../request/find-credential.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import { hasThreeParts, isNoCredential } from '../token/parse-token.js';
import type { ApiKeySource } from './api-key-source.js';
import { type Authentication, AuthenticationScheme } from './authentication-scheme.js';
import type { ConfirmedKeys } from './confirmed-keys.js';
import { countRefusal, type RefusedKeys } from './refused-keys.js';

export interface ProviderKeySchemeParts {
  readonly source: Pick<ApiKeySource, 'name' | 'prefixes'>;
  readonly keys: ConfirmedKeys;
  readonly refused: RefusedKeys;
  readonly clock: Clock;
  /** Where access tokens are, and keys in their place. */
  readonly sources: readonly TokenSource[];
}

/** API keys that a provider issues to its users, wherever access tokens are read. */
export class ProviderKeyScheme extends AuthenticationScheme {
  override readonly name: string;
  override readonly prefixes: readonly string[];
  /** Whether the keys have no form of their own. */
  readonly isOpaque: boolean;

  constructor(private readonly parts: ProviderKeySchemeParts) {
    super();
    const { name, prefixes } = parts.source;
    this.name = name;
    this.prefixes = prefixes ?? [];
    this.isOpaque = prefixes === null;
  }

  override find(request: RequestView): Credential | undefined {
    const found = findCredential(request, this.parts.sources);
    return found !== undefined && this.claims(found.text) ? found : undefined;
  }

  override recall({ text }: Credential): Authentication | undefined {
    return this.parts.keys.recall(text);
  }

  override authenticate(credential: Credential, request: RequestView): Promise<Authentication> {
    return this.verify(credential, request, (network) => this.parts.keys.verify(credential.text, network));
  }

  /** The provider confirms the key for this request, once however many guards it has. */
  override async authenticateOnline(
    credential: Credential,
    request: RequestView,
    earlier?: Authentication,
  ): Promise<Authentication> {
    if (earlier instanceof OnlineAuthentication && earlier.isRecent(this.now()) && this.holds(earlier)) return earlier;
    const verify = (network: string | null): Promise<Authentication> =>
      this.parts.keys.verifyOnline(credential.text, network);
    return new OnlineAuthentication(await this.verify(credential, request, verify), this.now());
  }

  override holds(authentication: Authentication): boolean {
    return this.parts.keys.holds(
      authentication instanceof OnlineAuthentication ? authentication.confirmed : authentication,
    );
  }

  /** The challenge of `Bearer`, by which the keys are sent, states the error. */
  override challenge(): Challenge | null {
    return null;
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }

  private claims(text: string): boolean {
    if (!this.isOpaque) return this.prefixes.some((prefix) => text.startsWith(prefix));
    return !hasThreeParts(text) && !isNoCredential(text);
  }

  private async verify(
    credential: Credential,
    request: RequestView,
    verify: (network: string | null) => Promise<Authentication>,
  ): Promise<Authentication> {
    checkCredential(credential);
    try {
      return await verify(networkOf(request));
    } catch (error) {
      throw countRefusal(error, this.parts.refused, request);
    }
  }
}

/** How long a confirmation counts as one for the request that it was made for. The object of a request may live long, as a socket does. */
const onlineMs = 5_000;

/** The authentication by a key that was confirmed for one request. */
class OnlineAuthentication implements Authentication {
  readonly token = null;
  readonly user: Authentication['user'];
  readonly scheme: string;
  readonly credentialId: string | null;
  readonly expiresAtMs: number | null;

  constructor(
    readonly confirmed: Authentication,
    private readonly confirmedAt: number,
  ) {
    this.user = confirmed.user;
    this.scheme = confirmed.scheme;
    this.credentialId = confirmed.credentialId;
    this.expiresAtMs = confirmed.expiresAtMs;
  }

  isRecent(now: number): boolean {
    return now >= this.confirmedAt && now < this.confirmedAt + onlineMs;
  }
}
