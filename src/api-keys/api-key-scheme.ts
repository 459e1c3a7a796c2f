import {
  type Authentication,
  AuthenticationScheme,
  type SecurityScheme,
} from '../authentication/authentication-scheme.js';
import { countRefusal, type RefusedKeys } from '../authentication/refused-keys.js';
import type { Challenge } from '../challenge/error-answers.js';
import { type AuthError, RefusalError } from '../errors/auth-error.js';
import { type Credential, findCredential } from '../request/find-credential.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import type { AuthUser, UserCredential } from '../user/auth-user.js';
import type { ApiKeyFormat } from './api-key-format.js';
import type { ApiKeyUsage } from './api-key-usage.js';
import type { ApiKeyProof, ApiKeyVerifier } from './api-key-verifier.js';
import { type BasicCredentials, readBasic } from './basic-credentials.js';

export interface ApiKeySchemeParts {
  readonly format: ApiKeyFormat;
  readonly verifier: ApiKeyVerifier;
  readonly usage: ApiKeyUsage;
  readonly refused: RefusedKeys;
  /** Whether `Authorization: Basic` is read. */
  readonly basic: boolean;
  /** Where access tokens are, and keys in their place. */
  readonly sources: readonly TokenSource[];
  /** The address of the token endpoint; `null` where there is none. */
  readonly tokenUrl: string | null;
}

/** The name of the scheme in the log. */
const apiKeySchemeName = 'api-key';

/** RFC 7617 §2: the realm is required. */
const basicChallenge: Challenge = Object.freeze({ scheme: 'Basic', parameters: { realm: 'api' } });

const basicSource: TokenSource = Object.freeze({
  place: 'Authorization: Basic',
  parameter: Object.freeze({ in: 'header', name: 'authorization' } as const),
  read: () => [],
} satisfies TokenSource);

/** The API keys of the app: by the prefix wherever access tokens are read, and by `Authorization: Basic`. */
export class ApiKeyScheme extends AuthenticationScheme {
  override readonly name = apiKeySchemeName;

  override readonly prefixes: readonly string[];

  constructor(private readonly parts: ApiKeySchemeParts) {
    super();
    this.prefixes = [parts.format.beginning];
  }

  override find(request: RequestView): Credential | undefined {
    const found = this.findInSources(request);
    const basic = this.parts.basic ? readBasic(request) : undefined;
    if (basic === undefined) return found;
    const credential: Credential = { text: this.textOf(basic), scheme: 'Basic', source: basicSource };
    if (found === undefined) return credential;
    if (found.text !== credential.text) throw twoKeys(found, credential);
    return found;
  }

  override recall({ text, scheme }: Credential): Authentication | undefined {
    const parts = this.parts.format.split(text);
    if (parts === null) return undefined;
    const proof = this.parts.verifier.recall(parts, toScheme(scheme));
    return proof === undefined ? undefined : this.accept(proof);
  }

  override async authenticate({ text, scheme }: Credential, request: RequestView): Promise<Authentication> {
    return this.verify(text, toScheme(scheme), request, false);
  }

  /** The store confirms the key at each request. */
  override async authenticateOnline({ text, scheme }: Credential, request: RequestView): Promise<Authentication> {
    return this.verify(text, toScheme(scheme), request, true);
  }

  override holds(authentication: Authentication): boolean {
    return authentication instanceof KeyAuthentication && this.parts.verifier.holds(authentication.proof);
  }

  /**
   * Checks the text of a key for somebody who asks about it without using it. It counts neither as a use nor as an attempt.
   *
   * @throws {RefusalError} or {AuthUnavailableError} as for a request with the key.
   */
  async inspect(text: string): Promise<void> {
    await this.parts.verifier.verify(this.parts.format.parse(text), 'Bearer', true);
  }

  /** Basic is only named after a refused `Basic`: browsers open a dialog for it. */
  override challenge({ code, scheme }: AuthError): Challenge | null {
    return code === 'INVALID_TOKEN' && scheme === 'Basic' ? basicChallenge : null;
  }

  /** The token endpoint exchanges a key for an access token. */
  override securitySchemes(
    scopes: readonly string[],
    kinds: readonly string[] | null,
  ): Readonly<Record<string, SecurityScheme>> {
    const accepts = (kind: string): boolean => kinds === null || kinds.includes(kind);
    const tokenUrl = accepts('access-token') ? this.parts.tokenUrl : null;
    const basic = this.parts.basic && accepts('api-key');
    const described = Object.fromEntries(scopes.map((scope) => [scope, '']));
    return {
      ...(basic && { basic: { type: 'http', scheme: 'basic', description: 'The id and the secret of an API key.' } }),
      ...(tokenUrl !== null && {
        clientCredentials: { type: 'oauth2', flows: { clientCredentials: { tokenUrl, scopes: described } } },
      }),
    };
  }

  private findInSources(request: RequestView): Credential | undefined {
    const found = findCredential(request, this.parts.sources);
    return found !== undefined && this.parts.format.claims(found.text) ? found : undefined;
  }

  /** The text of the key, so that a key that is sent in two forms is one credential; of anything else what was sent. */
  private textOf({ userId, password, encoded }: BasicCredentials): string {
    const text = `${userId}_${password}`;
    const isKey = this.parts.format.claims(text) && this.parts.format.split(text)?.id === userId;
    return isKey ? text : encoded;
  }

  private async verify(
    text: string,
    scheme: UserCredential['scheme'],
    request: RequestView,
    reads: boolean,
  ): Promise<Authentication> {
    const { format, verifier, refused } = this.parts;
    try {
      return this.accept(await verifier.verify(format.parse(text), scheme, reads));
    } catch (error) {
      throw countRefusal(error, refused, request);
    }
  }

  private accept(proof: ApiKeyProof): Authentication {
    this.parts.usage.note(proof.key.id);
    return new KeyAuthentication(proof);
  }
}

/** The authentication by a verified key. */
class KeyAuthentication implements Authentication {
  readonly token = null;
  readonly user: AuthUser;
  readonly scheme: string;
  readonly credentialId: string;
  readonly expiresAtMs: number | null;

  constructor(readonly proof: ApiKeyProof) {
    this.user = proof.user;
    this.scheme = proof.user.credential.scheme;
    this.credentialId = proof.key.id;
    this.expiresAtMs = proof.expiresAtMs;
  }
}

function toScheme(scheme: string): UserCredential['scheme'] {
  return scheme === 'Basic' ? 'Basic' : 'Bearer';
}

function twoKeys(one: Credential, other: Credential): RefusalError {
  const places = `in ${one.source.place} and in ${other.source.place}`;
  return RefusalError.of('INVALID_REQUEST', `The request carries two different credentials, ${places}`);
}
