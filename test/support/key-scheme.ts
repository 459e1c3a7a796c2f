/** API keys in memory: a kind of credential of an app's own, written against public names alone. */
import {
  type Authentication,
  AuthenticationScheme,
  type AuthError,
  type AuthUser,
  type Challenge,
} from 'nest-gatehouse';
import {
  createAuthUser,
  type Credential,
  fromBearer,
  fromHeader,
  RefusalError,
  type RequestView,
} from 'nest-gatehouse';

/** What a key is for: the user, without the credential. */
export type ApiKey = Pick<AuthUser, 'id'> & Partial<AuthUser>;

export class KeyScheme extends AuthenticationScheme {
  override readonly name: string = 'api-key';
  /** By what the caller presents: the secret, or `id:secret`. */
  private readonly keys = new Map<string, ApiKey>();
  authenticated = 0;

  constructor(private readonly clock: { now(): Date }) {
    super();
  }

  add(secret: string, key: ApiKey): void {
    this.keys.set(secret, key).set(`${key.id}:${secret}`, key);
  }

  override find(request: RequestView): Credential | undefined {
    const source = fromHeader('x-api-key');
    const found = request.headers('x-api-key').map((text) => ({ text, scheme: 'Bearer', source }));
    for (const value of request.headers('authorization')) {
      const [, scheme, text] = /^(Bearer) +(key_.+)$/i.exec(value) ?? /^(Basic) +(.+)$/i.exec(value) ?? [];
      if (scheme && text)
        found.push({ text, scheme: /basic/i.test(scheme) ? 'Basic' : 'Bearer', source: fromBearer() });
    }
    if (new Set(found.map(({ text }) => text)).size > 1) throw RefusalError.of('INVALID_REQUEST', 'Two keys were sent');
    return found[0];
  }

  override async authenticate({ text, scheme }: Credential): Promise<Authentication> {
    this.authenticated += 1;
    const key = this.keys.get(scheme === 'Basic' ? Buffer.from(text, 'base64').toString() : text);
    if (key === undefined) throw RefusalError.token('malformed', 'There is no such key');
    const { expiresAt = null } = key;
    if (expiresAt !== null && expiresAt <= this.clock.now()) throw RefusalError.token('expired', 'The key has expired');
    const credential = { kind: 'api-key', id: key.id, scheme: scheme === 'Basic' ? 'Basic' : 'Bearer' } as const;
    const user = createAuthUser({ issuer: 'keys', provider: 'api-key', ...key, expiresAt, credential });
    return { user, scheme, credentialId: key.id, token: null, expiresAtMs: expiresAt?.getTime() ?? null };
  }

  override challenge({ code, scheme }: AuthError): Challenge | null {
    return code === 'INVALID_TOKEN' && scheme === 'Basic' ? { scheme: 'Basic', parameters: { realm: 'cats' } } : null;
  }
}

export function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}
