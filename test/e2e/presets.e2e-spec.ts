/** One API for the users of several products: each by its own preset, with the marks that all of them share. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthUser,
  CurrentUser,
  clerk,
  cognito,
  firebase,
  keycloak,
  RequireOrganization,
  RequireRoles,
  RequireScopes,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { accessDenied, invalidToken, type Verdict, verdictOf } from '../support/verdicts.js';

@UseGuards(AuthGuard)
@Controller()
class EndpointController {
  @Get('me')
  me(@CurrentUser() user: AuthUser): object {
    return { id: user.id, provider: user.provider, issuer: user.issuer };
  }

  @RequireRoles('editor')
  @Get('drafts')
  drafts(): string {
    return 'drafts';
  }

  @RequireScopes('reports/read')
  @Get('reports')
  reports(): string {
    return 'reports';
  }

  @RequireOrganization({ role: 'org:admin', permissions: ['org:teams:manage'] })
  @Get('teams/:orgId')
  teams(): string {
    return 'teams';
  }
}

const pool = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123';

/** What each product writes into the token of a user who may do a little. */
const tokens = {
  keycloak: {
    aud: ['shop-api', 'account'],
    typ: 'Bearer',
    azp: 'shop-web',
    realm_access: { roles: ['default-roles-shop'] },
    resource_access: { 'shop-api': { roles: ['editor'] }, account: { roles: ['owner'] } },
    scope: 'openid profile',
  },
  clerk: {
    azp: 'https://app.lumenworks.example',
    sid: 'sess_1',
    v: 2,
    fea: 'o:teams',
    o: { id: 'org_1', rol: 'admin', slg: 'fjord-labs', per: 'manage,read', fpm: '3' },
  },
  cognito: { iss: pool, token_use: 'access', client_id: 'c1', 'cognito:groups': ['editor'], scope: 'reports/read' },
  firebase: {
    iss: 'https://securetoken.google.com/shop-4f1c2',
    aud: 'shop-4f1c2',
    firebase: { identities: {}, sign_in_provider: 'password' },
  },
} as const;

type Product = keyof typeof tokens;

describe.each(platforms)('an API for several products on $name', (platform) => {
  const log = new LogLines();
  let issuers: Readonly<Record<Product, TestIssuer>>;
  let app: RunningApp;

  beforeAll(async () => {
    issuers = {
      keycloak: await startIssuer({ algorithm: 'RS256', path: '/realms/shop' }),
      clerk: await startIssuer({ algorithm: 'RS256' }),
      cognito: await startIssuer({ algorithm: 'RS256' }),
      firebase: await startIssuer({ algorithm: 'RS256' }),
    };
    app = await startApp(platform, {
      logger: log,
      imports: [
        AuthModule.forRoot({
          issuers: [
            keycloak({
              serverUrl: new URL(issuers.keycloak.url).origin,
              realm: 'shop',
              audience: 'shop-api',
              jwksUri: issuers.keycloak.jwksUri,
            }),
            clerk({ frontendApiUrl: issuers.clerk.url, authorizedParties: 'https://app.lumenworks.example' }),
            cognito({ userPoolId: 'eu-central-1_AbCdEf123', clientId: 'c1', jwksUri: issuers.cognito.jwksUri }),
            firebase({ projectId: 'shop-4f1c2', jwksUri: issuers.firebase.jwksUri }),
          ],
        }),
      ],
      controllers: [EndpointController],
    });
  }, 60_000);

  async function call(path: string, product: Product, changes: object = {}): ReturnType<RunningApp['call']> {
    const token = await issuers[product].token({ sub: 'u1', ...tokens[product], ...changes });
    return app.call(path, { token });
  }

  it.each<[Product, string]>([
    ['cognito', pool],
    ['firebase', 'https://securetoken.google.com/shop-4f1c2'],
  ])('knows a user of %s by their issuer', async (product, issuer) => {
    expect((await call('/me', product)).json).toEqual({ id: 'u1', provider: 'oidc', issuer });
  });

  it.each<[string, Product, string]>([
    ['/me', 'keycloak', ''],
    ['/me', 'clerk', ''],
    ['/drafts', 'keycloak', 'drafts'],
    ['/drafts', 'cognito', 'drafts'],
    ['/reports', 'cognito', 'reports'],
    ['/teams/org_1', 'clerk', 'teams'],
  ])('accepts for %s callers authorized by %s', async (path, product, text) => {
    const answer = await call(path, product);

    expect(answer.status).toBe(200);
    expect(answer.text).toContain(text);
  });

  it.each<[string, string, Product, object, Verdict]>([
    ['an ID token', '/me', 'keycloak', { typ: 'ID' }, invalidToken('type')],
    ['a token for the account console', '/me', 'keycloak', { aud: 'account' }, invalidToken('audience')],
    ['a token of another app', '/me', 'clerk', { azp: 'https://evil.example' }, invalidToken('claim')],
    ['a token of no app', '/me', 'clerk', { azp: undefined }, invalidToken('claim')],
    ['an ID token', '/me', 'cognito', { token_use: 'id', aud: 'c1', client_id: undefined }, invalidToken('type')],
    ['a token of another client', '/me', 'cognito', { client_id: 'c2' }, invalidToken('claim')],
    ['a token of another project', '/me', 'firebase', { aud: 'other' }, invalidToken('audience')],
    ['an anonymous user', '/me', 'firebase', { firebase: { sign_in_provider: 'anonymous' } }, invalidToken('claim')],
    [
      'a role of another client',
      '/drafts',
      'keycloak',
      { resource_access: { account: { roles: ['editor'] } } },
      accessDenied,
    ],
    ['another group', '/drafts', 'cognito', { 'cognito:groups': ['reader'] }, accessDenied],
    ['another organization', '/teams/org_2', 'clerk', {}, accessDenied],
    ['another role', '/teams/org_1', 'clerk', { o: { ...tokens.clerk.o, rol: 'member' } }, accessDenied],
    ['a permission less', '/teams/org_1', 'clerk', { o: { ...tokens.clerk.o, fpm: '2' } }, accessDenied],
  ])('refuses %s at %s by %s', async (_, path, product, changes, verdict) => {
    expect(verdictOf(await call(path, product, changes))).toEqual(verdict);
  });

  it('logs what was expected, and does not send it', async () => {
    const { text } = await call('/me', 'clerk', { azp: 'https://evil.example' });

    expect(
      log
        .ours('debug')
        .map((line) => line.text)
        .join(),
    ).toContain('Expected as "azp": "https://app.lumenworks.example"; the token says "https://evil.example" ("azp")');
    expect(text).not.toMatch(/azp|evil|lumenworks/);
  });
});
