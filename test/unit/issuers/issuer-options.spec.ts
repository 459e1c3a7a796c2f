import * as everything from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { insideOptionOf, issuerOptionOf } from '../../../src/issuers/issuer-options.js';
import { presets } from '../../support/presets.js';

describe('issuerOptionOf', () => {
  it.each([
    ['keycloak', 'http://kc:8080/realms/demo', 'https://id.example.com/realms/demo', 'keycloak({ serverUrl })'],
    ['keycloak', 'https://id.example.com/realms/demo', 'https://id.example.com/realms/other', 'keycloak({ realm })'],
    [
      'keycloak',
      'https://id.example.com/realms/demo',
      'https://id.example.com/auth/realms/demo',
      'keycloak({ serverUrl })',
    ],
    ['keycloak', 'http://kc:8080/realms/demo', 'https://id.example.com/realms/other', 'keycloak({ serverUrl, realm })'],
    ['keycloak', 'http://kc:8080/realms/demo', undefined, 'keycloak({ serverUrl, realm })'],
    [
      'stackAuth',
      'https://api.stack-auth.com/api/v1/projects/a',
      'https://api.stack-auth.com/api/v1/projects/b',
      'stackAuth({ projectId })',
    ],
    ['oidc', 'https://id.example.com', 'https://id.example.com/', 'oidc({ issuer })'],
    [
      'entraId',
      'https://login.microsoftonline.com/a/v2.0',
      'https://login.microsoftonline.com/b/v2.0',
      'entraId({ tenantId })',
    ],
  ])('%s trusts %s, and %s is stated: %s', (preset, trusted, stated, option) => {
    expect(issuerOptionOf(preset, [trusted], stated)).toBe(option);
  });

  it('one of several trusted names decides', () => {
    const trusted = ['https://a.example/realms/x', 'https://b.example/realms/y'];
    expect(issuerOptionOf('keycloak', trusted, 'https://b.example/realms/z')).toBe('keycloak({ realm })');
  });

  it('knows every preset of the package, and none of an app', () => {
    for (const name of Object.keys(presets)) {
      expect(everything).toHaveProperty(name);
      expect(issuerOptionOf(name, ['https://a.example'], 'https://b.example')).toContain(`${name}({ `);
      expect(insideOptionOf(name)).toContain(`${name}({ `);
    }
    expect(issuerOptionOf('acmeId', ['https://a.example'], 'https://b.example')).toBeNull();
    expect(insideOptionOf('acmeId')).toBeNull();
  });
});
