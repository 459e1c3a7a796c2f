/** What `@CurrentProfile()` and `UserProfileService` have of the app's own users: what `findSubject` says. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  CurrentProfile,
  CurrentUser,
  RequireProfile,
  type UserProfile,
  UserProfileService,
} from 'nest-gatehouse';
import { beforeEach, describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import type { SessionClient } from '../support/session-app.js';
import { type SessionApp, startSessionApp, Users } from '../support/session-app.js';
import { invalidTokenBody } from '../support/socket-transports.js';

@UseGuards(AuthGuard)
@Controller()
class ProfileController {
  @Get('profile')
  profile(@CurrentProfile() profile: UserProfile): UserProfile {
    return profile;
  }

  @RequireProfile()
  @Get('checked')
  checked(@CurrentUser('id') id: string): object {
    return { id };
  }
}

describe.each(platforms)('the profile of an own user on $name', (platform) => {
  let stand: SessionApp;
  let client: SessionClient;

  beforeEach(async () => {
    const users = new Users(
      { id: 'alice', name: 'Alice', email: 'alice@example.com', emailVerified: true, claims: { tenant: 'secret' } },
      { id: 'bob' },
    );
    stand = await startSessionApp(platform, { users, controllers: [ProfileController] });
    client = stand.client('body');
    await client.signIn('alice');
  });

  const call = (path: string) => stand.app.call(path, { token: client.accessToken });

  it('has the name and the address, which the token has not', async () => {
    const me = await call('/me');
    expect(me.json).toMatchObject({ id: 'alice', email: null, name: null });
    expect((await call('/profile')).json).toEqual({
      id: 'alice',
      displayName: 'Alice',
      primaryEmail: 'alice@example.com',
      primaryEmailVerified: true,
      profileImageUrl: null,
      signedUpAt: null,
      lastActiveAt: null,
      hasPassword: null,
      isAnonymous: false,
      oauthProviders: null,
      raw: {},
    });
  });

  it('is found for any user by the id', async () => {
    const profiles = stand.app.nest.get(UserProfileService);
    expect(await profiles.find('bob')).toMatchObject({ id: 'bob', displayName: null });
    expect(await profiles.find('nobody')).toBeNull();
  });

  it('refuses a user who is gone, and answers 503 while users cannot be looked up', async () => {
    stand.users.fault = new Error('the database of users is down');
    expect((await call('/profile')).status).toBe(503);
    stand.users.fault = null;
    stand.users.all.delete('alice');
    const answer = await call('/checked');
    expect([answer.status, answer.json]).toEqual([401, invalidTokenBody('revoked')]);
  });
});
