/** What an app requires of the claims beyond the standard, as a class with class-validator decorators. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { IsIn, IsOptional, Validate, ValidatorConstraint, type ValidatorConstraintInterface } from 'class-validator';
import { AuthGuard, AuthModule, CurrentUser, OptionalAuth, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { invalidToken, invalidTokenChallenge, verdictOf } from '../support/verdicts.js';

@ValidatorConstraint()
class AskBrokenDatabase implements ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    if (value === 'breaks') throw new Error('the database at 10.0.0.7 is gone');
    return true;
  }
}

class CatClaims {
  @IsIn(['home', 'shelter'])
  place!: string;

  @IsOptional()
  @Validate(AskBrokenDatabase)
  rule?: string;
}

@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('mine')
  mine(@CurrentUser('claims.place') place: string): object {
    return { place };
  }

  @OptionalAuth({ onUnavailable: 'anonymous' })
  @Get('all')
  all(@CurrentUser('claims.place') place: string | null): object {
    return { place };
  }
}

describe.each(platforms)('the claims class of the app on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), claims: CatClaims })],
      controllers: [CatsController],
    });
  });

  const callWith = async (path: string, claims: object) =>
    app.call(path, { token: await issuer.token({ aud: 'api', ...claims }) });

  it('accepts a token with valid claims, which stay as the issuer signed them', async () => {
    expect((await callWith('/mine', { place: 'home' })).json).toEqual({ place: 'home' });
  });

  it('refuses a token with invalid claims, and repeats none of them', async () => {
    for (const claims of [{}, { place: 'street' }, { place: ['home', 'street'] }]) {
      const answer = await callWith('/mine', claims);
      expect(verdictOf(answer)).toEqual(invalidToken('claim'));
      expect(answer.text).not.toContain('place');
      const optional = await callWith('/all', claims);
      expect([optional.status, optional.json]).toEqual([200, { place: null }]);
      expect(optional.headers['www-authenticate']).toBe(invalidTokenChallenge('claim'));
    }
  });

  it('causes a 500, and never an accepted or anonymous caller, when the validation throws', async () => {
    for (const path of ['/mine', '/all']) {
      const answer = await callWith(path, { place: 'home', rule: 'breaks' });
      expect([answer.status, answer.text]).toEqual([500, '{"statusCode":500,"message":"Internal server error"}']);
    }
  });
});
