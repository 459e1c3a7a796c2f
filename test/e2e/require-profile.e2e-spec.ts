/** A token tells what was so when it was signed. `@RequireProfile()` has the provider asked whether there still is such a user. */
import { Controller, Get } from '@nestjs/common';
import {
  AuthModule,
  CurrentProfile,
  jwtIssuer,
  RequireProfile,
  UserProfileService,
  type UserProfile,
} from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { type Platform, platforms, startApp, startIssuer } from '../support/app.js';
import { invalidToken, missingToken, unavailable, verdictOf } from '../support/verdicts.js';

@RequireProfile()
@Controller()
class PeopleController {
  @Get('plain')
  plain(): object {
    return { done: true };
  }

  @RequireProfile()
  @Get('full')
  full(@CurrentProfile() profile: UserProfile): object {
    return { name: profile.displayName };
  }
}

async function begin(platform: Platform, cache: false | undefined) {
  const issuer = await startIssuer();
  const people = new Map([['alice', { displayName: 'Alice' }]]);
  const provider = { lookUps: 0, isDown: false };
  const get = ({ id }: { id: string }): { displayName: string } | null => {
    provider.lookUps += 1;
    if (provider.isDown) throw new Error('down');
    return people.get(id) ?? null;
  };
  const issuers = jwtIssuer({ issuer: issuer.url, audience: 'api', publicKey: issuer.publicKey, profiles: { get } });
  const app = await startApp(platform, {
    imports: [AuthModule.forRoot({ issuers, ...(cache === false && { profiles: { cache } }) })],
    controllers: [PeopleController],
  });
  const token = await issuer.token({ sub: 'alice', aud: 'api' });
  return { issuer, app, people, provider, token };
}

describe.each(platforms)('@RequireProfile() on $name', (platform) => {
  it('refuses a user whom the provider has deleted, although the token verifies', async () => {
    const { app, people, token } = await begin(platform, false);
    expect((await app.call('/plain', { token })).json).toEqual({ done: true });
    people.delete('alice');

    expect(verdictOf(await app.call('/plain', { token }))).toEqual(invalidToken('revoked'));
    expect(verdictOf(await app.call('/plain'))).toEqual(missingToken);
  });

  it('causes one look-up for class, handler and @CurrentProfile() together, when the cache is off', async () => {
    const { app, provider, token } = await begin(platform, false);
    expect((await app.call('/full', { token })).json).toEqual({ name: 'Alice' });
    expect(provider.lookUps).toBe(1);
  });

  it('uses the cached profile until it is forgotten', async () => {
    const { app, people, provider, token } = await begin(platform, undefined);
    for (let at = 0; at < 3; at += 1) expect((await app.call('/plain', { token })).status).toBe(200);
    expect(provider.lookUps).toBe(1);
    people.delete('alice');
    app.nest.get(UserProfileService, { strict: false }).forget('alice');

    expect(verdictOf(await app.call('/plain', { token }))).toEqual(invalidToken('revoked'));
  });

  it('answers 503 while no profile is cached and the provider does not answer', async () => {
    const { app, provider, token } = await begin(platform, false);
    provider.isDown = true;
    const answer = await app.call('/plain', { token });

    expect(verdictOf(answer)).toEqual(unavailable);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });
});
