/** Apps that accept bound tokens, and the client that has the key. */
import { Controller, Get, Post, Sse, UseGuards } from '@nestjs/common';
import {
  AcceptCredentials,
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthUser,
  CurrentUser,
  oidc,
  OptionalAuth,
  RequireScopes,
  tokenOf,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { of } from 'rxjs';
import { expect } from 'vitest';
import { type AppParts, type Platform, type RunningApp, startApp, startIssuer } from './app.js';
import { DpopKey, type ProofParts } from './dpop-key.js';
import { ManualClock } from './manual-clock.js';
import { invalidTokenChallenge, sentences } from './verdicts.js';

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('cats')
  list(@CurrentUser() user: AuthUser): object {
    return { id: user.id, credential: user.credential, hasToken: tokenOf(user).length > 0 };
  }

  @Get('cats/:name/:place')
  find(): object {
    return {};
  }

  @Post('cats')
  add(): object {
    return {};
  }

  @RequireScopes('cats:write')
  @Get('written')
  written(): object {
    return {};
  }

  @AcceptCredentials('access-token')
  @Sse('stream')
  stream() {
    return of({ data: 'purr' });
  }

  @OptionalAuth()
  @Get('maybe')
  maybe(@CurrentUser() user: AuthUser | null): object {
    return { id: user?.id ?? null };
  }
}

export const algs = 'algs="ES256 Ed25519 EdDSA PS256 RS256 ES384"';
const proofSentence = 'The DPoP proof is missing or not accepted';
export const dpop = (error: string, description: string) =>
  `DPoP error="${error}", error_description="${description}", ${algs}`;

export const refusedProof = {
  status: 401,
  challenge: `Bearer, ${dpop('invalid_dpop_proof', proofSentence)}`,
  code: 'INVALID_TOKEN',
  reason: 'proof',
};
export const wrongBinding = {
  status: 401,
  challenge: `Bearer, ${dpop('invalid_token', sentences.proof)}`,
  code: 'INVALID_TOKEN',
  reason: 'proof',
};
export const boundAsBearer = {
  status: 401,
  challenge: `${invalidTokenChallenge('proof')}, DPoP ${algs}`,
  code: 'INVALID_TOKEN',
  reason: 'proof',
};
export const badRequest = {
  status: 400,
  challenge: expect.stringMatching(/^Bearer error="invalid_request", .*, DPoP algs=/) as string,
  code: 'INVALID_REQUEST',
};

/** What an app is started with beside the options of `AuthModule`. */
type MoreParts = Pick<AppParts, 'imports' | 'logger' | 'prepare'> & { readonly platform?: Platform };

/** An issuer that binds tokens, apps that trust it, and the key of their client. */
export class DpopStand {
  readonly key = new DpopKey();

  private constructor(
    private readonly platform: Platform,
    readonly clock: ManualClock,
    readonly issuer: TestIssuer,
  ) {}

  static async open(platform: Platform): Promise<DpopStand> {
    const clock = new ManualClock();
    return new DpopStand(platform, clock, await startIssuer({ clock }));
  }

  start(
    options: Partial<AuthModuleOptions> = {},
    { platform = this.platform, imports = [], ...parts }: MoreParts = {},
  ): Promise<RunningApp> {
    const issuers = oidc({ issuer: this.issuer.url, audience: 'api' });
    return startApp(platform, {
      imports: [AuthModule.forRoot({ issuers, dpop: 'accept', clock: this.clock, ...options }), ...imports],
      controllers: [CatsController],
      ...parts,
    });
  }

  token(claims: object = {}): Promise<string> {
    return this.issuer.token({ aud: 'api', sub: 'alice', ...claims }, { expiresIn: '1h' });
  }

  boundToken(claims: object = {}): Promise<string> {
    return this.token({ cnf: { jkt: this.key.jkt }, ...claims });
  }

  proof(app: RunningApp, token: string, parts: Partial<ProofParts> = {}, by = this.key): string {
    return by.proof({ url: `${app.url}/cats`, token, at: this.clock.now(), ...parts });
  }
}
