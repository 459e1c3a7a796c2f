import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { jwtIssuer } from '../../../src/issuers/jwt-issuer.js';
import { oidc } from '../../../src/issuers/oidc.js';
import { propelAuth } from '../../../src/issuers/propel-auth/propel-auth.js';
import { stackAuth } from '../../../src/issuers/stack-auth/stack-auth.js';
import { errorOf } from '../../support/outcome.js';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKeys = { keys: [pair.publicKey.export({ format: 'jwk' })] };
const privateKeys = { keys: [pair.privateKey.export({ format: 'jwk' })] };
const issuer = 'https://issuer.example';

const presets = {
  oidc: (initialKeys: object) => oidc({ issuer, audience: 'api', initialKeys: initialKeys as never }),
  jwtIssuer: (initialKeys: object) =>
    jwtIssuer({ issuer, audience: 'api', jwksUri: `${issuer}/jwks`, initialKeys: initialKeys as never }),
  stackAuth: (initialKeys: object) => stackAuth({ projectId: 'p', initialKeys: initialKeys as never }),
};

describe.each(Object.entries(presets))('the keys that %s starts with', (name, create) => {
  it('are public ones', async () => {
    expect(create(publicKeys).issuers.length).toBeGreaterThan(0);
    const error = await errorOf(() => create(privateKeys));
    expect(error?.code).toBe('CONFIGURATION_ERROR');
    expect(error?.message).toContain(`${name}({ initialKeys }): that is a private key`);
  });

  it.each([[{}], [{ keys: [] }], [{ keys: [{ kty: 'oct', k: 'AAAA' }] }]])('are not %j', async (initialKeys) => {
    const error = await errorOf(() => create(initialKeys));
    expect(error?.message).toContain(`${name}({ initialKeys }): it holds no key that verifies tokens`);
  });
});

describe('how fetched keys are kept', () => {
  it('have no effect together with keys that are not fetched, and are refused there', async () => {
    const verifierKey = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const given = { authUrl: 'https://auth.example', apiKey: 'key', verifierKey, staleKeysForSeconds: 60 };
    expect((await errorOf(() => propelAuth(given)))?.message).toContain(
      'propelAuth({ staleKeysForSeconds }): it has no effect together with verifierKey',
    );
    const byHand = { issuer, audience: 'api', jwks: publicKeys, staleKeysForSeconds: 60 };
    expect((await errorOf(() => jwtIssuer(byHand as never)))?.message).toContain(
      'jwtIssuer({ staleKeysForSeconds }): it has no effect together with jwks',
    );
  });
});
