/** The signing keys of an app with sessions: rotations, emergencies, and keys in a service. */
import { createSign, generateKeyPairSync } from 'node:crypto';
import { Global, Module } from '@nestjs/common';
import { IssuerKeys } from 'nest-gatehouse';
import {
  type PublicJwk,
  type SigningKeyName,
  SigningKeys,
  SigningKeyStore,
  toPublicJwk,
} from 'nest-gatehouse/sessions';
import { describe, expect, it } from 'vitest';
import { platforms, type RunningApp } from '../support/app.js';
import { startSessionApp } from '../support/session-app.js';
import { invalidToken, verdictOf } from '../support/verdicts.js';

const headerOf = (token: string): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as Record<string, unknown>;

const publishedBy = async (app: RunningApp): Promise<readonly string[]> => {
  const { json } = await app.call('/.well-known/jwks.json');
  return (json as { readonly keys: readonly PublicJwk[] }).keys.map(({ kid }) => kid);
};

/** A key management service with one key, which signs in DER. */
class KmsSigningKeys extends SigningKeys {
  private readonly pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  current(): SigningKeyName {
    return { kid: 'tokens-1', algorithm: 'ES256' };
  }

  async sign(_kid: string, bytes: Uint8Array): Promise<Uint8Array> {
    await Promise.resolve();
    return createSign('sha256').update(bytes).sign(this.pair.privateKey);
  }

  published(): Promise<readonly PublicJwk[]> {
    return Promise.resolve([toPublicJwk(this.pair.publicKey.export({ format: 'jwk' }), 'ES256', 'tokens-1')]);
  }

  rotate(): Promise<void> {
    return Promise.reject(new Error('Keys are rotated in the service'));
  }
}

@Global()
@Module({ providers: [{ provide: SigningKeys, useClass: KmsSigningKeys }], exports: [SigningKeys] })
class KmsModule {}

describe.each(platforms)('the signing keys of an app on $name', (platform) => {
  it('are rotated while sessions go on', async () => {
    const { app, client } = await startSessionApp(platform);
    const user = client('body');
    await user.signIn('alice');
    const before = headerOf(user.accessToken)['kid'];
    await app.nest.get(SigningKeys, { strict: false }).rotate();

    expect((await user.call('/me')).status).toBe(200);
    expect((await user.refresh()).status).toBe(200);
    const after = headerOf(user.accessToken)['kid'];
    expect(after).not.toBe(before);
    expect((await user.call('/me')).status).toBe(200);
    expect(await publishedBy(app)).toEqual([before, after]);
  });

  it('are replaced in an emergency: tokens of the earlier key are refused at once, and sessions go on', async () => {
    const { app, client } = await startSessionApp(platform);
    const user = client('body');
    await user.signIn('alice');
    expect((await user.call('/me')).status).toBe(200);
    const [keys, store] = [SigningKeys, SigningKeyStore].map((port) => app.nest.get(port, { strict: false })) as [
      SigningKeys,
      SigningKeyStore,
    ];
    // As docs/guides/signing-keys.md says.
    const before = await store.list();
    await keys.rotate();
    await store.remove(before.map(({ kid }) => kid));
    await app.nest.get(IssuerKeys).refresh();

    expect(verdictOf(await user.call('/me'))).toEqual(invalidToken('key'));
    expect((await user.refresh()).status).toBe(200);
    expect((await user.call('/me')).status).toBe(200);
    expect(await publishedBy(app)).toEqual([headerOf(user.accessToken)['kid']]);
  });

  it('may be in a key management service', async () => {
    const { app, client } = await startSessionApp(platform, { imports: [KmsModule] });
    const user = client('body');

    expect((await user.signIn('alice')).status).toBe(201);
    expect(headerOf(user.accessToken)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'tokens-1' });
    expect((await user.call('/me')).json).toMatchObject({ id: 'alice' });
    expect(await publishedBy(app)).toEqual(['tokens-1']);
  });
});
