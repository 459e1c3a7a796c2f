/** An app that wants profiles which no issuer gives does not start, and says what it lacks. */
import { Controller, Get, Module } from '@nestjs/common';
import { AuthModule, CurrentProfile, jwtIssuer, type UserProfile } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';

@Controller()
class PeopleController {
  @Get()
  full(@CurrentProfile() profile: UserProfile | null): object {
    return { profile };
  }
}

const controllers = [PeopleController];

describe.each(platforms)('@CurrentProfile() without a profile source on $name', (platform) => {
  const issuer = jwtIssuer({ issuer: 'joe', audience: 'api', secret: 's'.repeat(64) });

  it('stops the app at its start, and names the option', async () => {
    await expect(
      startApp(platform, { imports: [AuthModule.forRoot({ issuers: issuer })], controllers }),
    ).rejects.toThrow(
      '@CurrentProfile: no issuer gives profiles: there is no jwtIssuer({ profiles }). Write { get: (user) => … }',
    );
  });

  it('stops the app when the options of profiles have no effect', () => {
    expect(() => AuthModule.forRoot({ issuers: issuer, profiles: { freshForSeconds: 5 } })).toThrow(
      'AuthModule.forRoot({ profiles }): no issuer gives profiles: there is no jwtIssuer({ profiles })',
    );
  });

  it('stops the app when it is used in a module that does not see AuthModule', async () => {
    @Module({ controllers: [PeopleController] })
    class FeatureModule {}
    const own = jwtIssuer({ issuer: 'joe', audience: 'api', secret: 's'.repeat(64), profiles: { get: () => ({}) } });
    const imports = [AuthModule.forRoot({ issuers: own, isGlobal: false }), FeatureModule];

    await expect(startApp(platform, { imports })).rejects.toThrow(
      '@CurrentProfile: it is used in a module that does not',
    );
  });
});
