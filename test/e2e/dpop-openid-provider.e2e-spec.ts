/** Bound tokens of a certified provider (oidc-provider), and a client that others have written (oauth4webapi), which signs the proofs. */
import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthModuleOptions, type AuthUser, CurrentUser, oidc } from 'nest-gatehouse';
import * as oauth from 'oauth4webapi';
import { describe, expect, it } from 'vitest';
import { type Platform, platforms, type RunningApp, startApp } from '../support/app.js';
import { machine, type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.js';

const catsApi = 'https://cats.example/api';

// Marked as deprecated only so that it stands out: here is no TLS.
// eslint-disable-next-line @typescript-eslint/no-deprecated
const overHttp = { [oauth.allowInsecureRequests]: true } as const;

@UseGuards(AuthGuard)
@Controller('cats')
class CatsController {
  @Get()
  list(@CurrentUser() user: AuthUser): object {
    return { client: user.clientId, scheme: user.credential.scheme, isBound: 'cnf' in user.claims };
  }

  @Post()
  add(): object {
    return {};
  }
}

/** Signs proofs, repeats a request once when a nonce is wanted, and counts how often. */
class Client {
  nonces = 0;

  private constructor(
    private readonly server: oauth.AuthorizationServer,
    private readonly DPoP: oauth.DPoPHandle,
  ) {}

  static async open({ issuer }: OpenIdProvider, algorithm: 'ES256' | 'Ed25519'): Promise<Client> {
    const url = new URL(issuer);
    const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, overHttp));
    return new Client(server, oauth.DPoP({}, await oauth.generateKeyPair(algorithm)));
  }

  async obtain(): Promise<oauth.TokenEndpointResponse> {
    const client: oauth.Client = { client_id: machine.clientId };
    const secret = oauth.ClientSecretBasic(machine.clientSecret);
    const parameters = { resource: catsApi, scope: 'cats:read' };
    return this.withNonce(async () => {
      const options = { DPoP: this.DPoP, ...overHttp };
      const answer = await oauth.clientCredentialsGrantRequest(this.server, client, secret, parameters, options);
      return oauth.processClientCredentialsResponse(this.server, client, answer);
    });
  }

  call(app: RunningApp, token: string, method = 'GET', path = '/cats'): Promise<Response> {
    const url = new URL(path, app.url);
    return this.withNonce(() =>
      oauth.protectedResourceRequest(token, method, url, undefined, null, { DPoP: this.DPoP, ...overHttp }),
    );
  }

  private async withNonce<Result>(send: () => Promise<Result>): Promise<Result> {
    try {
      return await send();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      this.nonces += 1;
      return send();
    }
  }
}

const cases = platforms.flatMap((platform) =>
  ([false, true] as const).map((nonce) => ({ platform, on: platform.name, nonce, with: nonce ? 'with' : 'without' })),
);

describe.each(cases)('bound tokens of oidc-provider on $on, $with nonces', ({ platform, nonce }) => {
  const start = async (at: Platform, more: Partial<AuthModuleOptions> = {}) => {
    const provider = await startOpenIdProvider([catsApi], [], { requireNonce: nonce });
    const issuers = oidc({ issuer: provider.issuer, audience: catsApi, tokenType: 'at+jwt' });
    const app = await startApp(at, {
      imports: [AuthModule.forRoot({ issuers, dpop: { mode: 'require', nonce }, ...more })],
      controllers: [CatsController],
    });
    return { provider, app };
  };

  it.each(['ES256', 'Ed25519'] as const)('pass with proofs by oauth4webapi, signed with %s', async (algorithm) => {
    const { provider, app } = await start(platform);
    const client = await Client.open(provider, algorithm);
    const { access_token: token, token_type: type } = await client.obtain();
    expect(type).toBe('dpop');
    const answer = await client.call(app, token);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { client: machine.clientId, scheme: 'DPoP', isBound: true },
    ]);
    for (let time = 0; time < 3; time += 1)
      expect((await client.call(app, token, 'GET', '/cats?page=2')).status).toBe(200);
    expect((await client.call(app, token, 'POST')).status).toBe(201);
    expect(client.nonces, 'one for the provider and one for the app').toBe(nonce ? 2 : 0);
  });

  it('are refused by another client, as Bearer, and where DPoP is off', async () => {
    const { provider, app } = await start(platform);
    const [client, thief] = [await Client.open(provider, 'ES256'), await Client.open(provider, 'ES256')];
    const { access_token: token } = await client.obtain();
    expect((await app.call('/cats', { token })).json).toMatchObject({ code: 'INVALID_TOKEN', reason: 'proof' });
    const stolen = await thief.call(app, token).catch((error: unknown) => error);
    expect(stolen).toMatchObject({ status: 401 });
    const { app: off } = await start(platform, {
      dpop: 'off',
      issuers: oidc({ issuer: provider.issuer, audience: catsApi }),
    });
    expect((await off.call('/cats', { token })).json).toMatchObject({ code: 'INVALID_TOKEN', reason: 'proof' });
  });
});
