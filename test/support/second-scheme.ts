/** An app's parts with two kinds of credentials: access tokens, and the API keys of key-scheme.ts. */
import type { DynamicModule } from '@nestjs/common';
import { AuthModule, type AuthModuleOptions, AuthUnavailableError, type Authentication, oidc } from 'nest-gatehouse';
import type { Credential } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { startIssuer } from './app.js';
import { KeyScheme } from './key-scheme.js';
import { ManualClock } from './manual-clock.js';

/** Keys whose store may be down, or broken. */
class StoredKeys extends KeyScheme {
  override async authenticate(credential: Credential): Promise<Authentication> {
    if (credential.text === 'key_down') throw new AuthUnavailableError('The store of keys does not answer', 7);
    if (credential.text === 'key_broken') throw new Error('The store of keys has a bug');
    return super.authenticate(credential);
  }
}

export interface SecondScheme {
  readonly clock: ManualClock;
  readonly issuer: TestIssuer;
  readonly keys: KeyScheme;
  tokenFor(sub: string, scope?: string): Promise<string>;
  /** Requests of any kind that the issuer has received. */
  issuerRequests(): number;
  importModule(options?: Partial<AuthModuleOptions>): DynamicModule;
}

/** Keys: `key_m`, of a machine that may read; `key_w`, which may write and keep; `key_5m`, which expires in five minutes. */
export async function openSecondScheme(): Promise<SecondScheme> {
  const clock = new ManualClock();
  const issuer = await startIssuer({ clock });
  const keys = new StoredKeys(clock);
  keys.add('key_m', { id: 'machine', scopes: ['cats:read'] });
  keys.add('key_w', { id: 'writer', scopes: ['cats:write'], roles: ['keeper'] });
  keys.add('key_5m', { id: 'visitor', expiresAt: new Date(clock.now().getTime() + 300_000) });
  const issuers = oidc({
    issuer: issuer.url,
    audience: 'api',
    introspection: issuer.introspectionClient,
    verify: 'local',
  });
  return {
    ...{ clock, issuer, keys },
    tokenFor: (sub, scope = '') => issuer.token({ aud: 'api', sub, scope }, { expiresIn: '5m' }),
    issuerRequests: () => issuer.requests.total,
    importModule: (options = {}) => AuthModule.forRoot({ issuers, schemes: [keys], clock, ...options }),
  };
}
