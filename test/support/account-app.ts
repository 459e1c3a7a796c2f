/** Apps that keep accounts. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, CurrentProfile, CurrentUser, RequireRoles, type UserProfile } from 'nest-gatehouse';
import {
  type AccountEvent,
  AccountService,
  AccountsModule,
  type AccountsModuleOptions,
  GroupService,
} from 'nest-gatehouse/accounts';
import { expect } from 'vitest';
import type { Platform } from './app.js';
import { type SessionApp, type SessionAppParts, type SessionClient, startSessionApp } from './session-app.js';

export const email = 'ada@example.com';
export const password = 'correct horse battery';

@UseGuards(AuthGuard)
@Controller()
class StaffController {
  @RequireRoles('staff')
  @Get('staff')
  staff(@CurrentUser('id') id: string): object {
    return { id };
  }

  @Get('profile')
  profile(@CurrentProfile() profile: UserProfile): UserProfile {
    return profile;
  }
}

export interface AccountApp extends SessionApp {
  readonly accounts: AccountService;
  readonly groups: GroupService;
  readonly events: AccountEvent[];
  readonly signIn: (json?: object) => Promise<SessionClient>;
}

export async function startAccountApp(
  platform: Platform,
  options: AccountsModuleOptions = {},
  parts: SessionAppParts = {},
): Promise<AccountApp> {
  const events: AccountEvent[] = [];
  const { sessions = {}, imports = [], ...rest } = parts;
  const app = await startSessionApp(platform, {
    ...rest,
    sessions: { findSubject: undefined, ...sessions } as NonNullable<SessionAppParts['sessions']>,
    imports: [
      AccountsModule.forRoot({
        signUp: 'at-once',
        anonymous: true,
        onEvent: (event) => events.push(event),
        ...options,
      }),
      ...imports,
    ],
    controllers: [StaffController],
  });
  const signIn = async (json: object = { email, password }): Promise<SessionClient> => {
    const client = app.client('body');
    const answer = await client.post('/auth/sign-in', json, [['X-Token-Delivery', 'body']]);
    expect(answer.json).toMatchObject({ token_type: 'Bearer' });
    return client;
  };
  return { ...app, accounts: app.app.nest.get(AccountService), groups: app.app.nest.get(GroupService), events, signIn };
}

export const codeOf = (json: unknown): unknown => (json as { code?: unknown }).code;
