import { describe, expect, it } from 'vitest';
import { AuthorizationServerMetadata } from '../../../src/issuing/authorization-server-metadata.js';
import { RouteClaims } from '../../../src/issuing/route-claims.js';

describe('RouteClaims', () => {
  it.each([
    ['POST /auth/refresh', 'POST /auth/refresh'],
    ['POST /auth/refresh', 'post auth/REFRESH/'],
    ['DELETE /auth/sessions/:id', 'DELETE /auth/sessions/:sessionId'],
  ])('does not give %s to a second module that claims %s', (first, second) => {
    const claims = new RouteClaims();
    claims.claim('SessionsModule.forRoot', ['GET /auth/me', first]);

    expect(() => {
      claims.claim('StackAuthModule.forRoot', [second]);
    }).toThrow(`StackAuthModule.forRoot: it has the route ${second}, and so has SessionsModule.forRoot`);
  });

  it('gives routes that differ to different modules, and one route to one module again', () => {
    const claims = new RouteClaims();
    claims.claim('SessionsModule.forRoot', ['POST /auth/refresh', 'GET /auth/sessions']);
    claims.claim('SessionsModule.forRoot', ['POST /auth/refresh']);

    expect(() => {
      claims.claim('AccountsModule.forRoot', ['GET /auth/refresh', 'GET /auth/sessions/:id', 'POST /refresh']);
    }).not.toThrow();
  });
});

describe('AuthorizationServerMetadata', () => {
  it('joins lists, and lets what modules contribute take precedence', () => {
    const metadata = new AuthorizationServerMetadata();
    metadata.contribute('ApiKeysModule', { grant_types_supported: ['client_credentials'], service: true });
    metadata.contribute('LoginModule', { grant_types_supported: ['client_credentials', 'x'], service: true });

    expect(metadata.toDocument({ issuer: 'joe', grant_types_supported: [] })).toEqual({
      issuer: 'joe',
      grant_types_supported: ['client_credentials', 'x'],
      service: true,
    });
  });

  it('does not choose between two values', () => {
    const metadata = new AuthorizationServerMetadata();
    metadata.contribute('ApiKeysModule', { token_endpoint: 'https://api.example.com/oauth/token' });

    expect(() => {
      metadata.contribute('OtherModule', { token_endpoint: 'https://api.example.com/token' });
    }).toThrow(/OtherModule: .*"token_endpoint".*ApiKeysModule/);
  });
});
