/** Apps with API keys of their own, and what their tests call them with. */
import { Controller, type DynamicModule, Get, Post, UseGuards } from '@nestjs/common';
import {
  AcceptCredentials,
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthUser,
  CurrentUser,
  fromBearer,
  fromHeader,
  OptionalAuth,
  RequireRoles,
  RequireScopes,
  VerifyOnline,
} from 'nest-gatehouse';
import { apiKeys, ApiKeyService, ApiKeysModule, type ApiKeysModuleOptions } from 'nest-gatehouse/api-keys';
import { ownTokens, SessionsModule, type SessionsModuleOptions } from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';

import { type AppParts, type Platform, type RunningApp, startApp } from './app.js';
import type { Call } from './http.js';
import { ManualClock } from './manual-clock.js';
import { publicUrl, SessionTestController, Users } from './session-app.js';

@UseGuards(AuthGuard)
@Controller()
class KeyTestController {
  /** The guard is on the class and on the handler, so it runs twice. */
  @UseGuards(AuthGuard)
  @Get('caller')
  caller(@CurrentUser() user: AuthUser): AuthUser {
    return user;
  }

  @Post('caller')
  post(@CurrentUser('id') id: string): object {
    return { id };
  }

  @OptionalAuth()
  @Get('maybe')
  maybe(@CurrentUser() user: AuthUser | null): object {
    return { id: user?.id ?? null };
  }

  @AcceptCredentials('access-token')
  @Get('people')
  people(@CurrentUser('id') id: string): object {
    return { id };
  }

  @AcceptCredentials('api-key')
  @Get('machines')
  machines(@CurrentUser('id') id: string): object {
    return { id };
  }

  @RequireScopes('cats:write')
  @Get('adopt')
  adopt(@CurrentUser('id') id: string): object {
    return { id };
  }

  @RequireRoles('keeper')
  @Get('groom')
  groom(@CurrentUser('id') id: string): object {
    return { id };
  }

  @VerifyOnline()
  @Get('online')
  online(@CurrentUser('id') id: string): object {
    return { id };
  }
}

export interface KeyStoreAppParts extends Partial<AppParts> {
  readonly clock?: ManualClock;
  readonly users?: Users;
  readonly keys?: Partial<ApiKeysModuleOptions>;
  readonly auth?: Partial<AuthModuleOptions>;
  readonly sessions?: Partial<SessionsModuleOptions>;
  readonly stores?: AppParts['imports'];
}

export interface KeyStoreApp {
  readonly app: RunningApp;
  readonly clock: ManualClock;
  readonly users: Users;
  readonly service: ApiKeyService;
}

export async function startKeyStoreApp(platform: Platform, parts: KeyStoreAppParts = {}): Promise<KeyStoreApp> {
  const {
    clock = new ManualClock(),
    users = new Users(
      { id: 'alice', name: 'Alice', email: 'alice@example.com', roles: ['keeper', 'admin'] },
      { id: 'bob' },
    ),
    keys = {},
    auth = {},
    sessions = {},
    stores = [memoryStores({ clock })],
    imports = [],
    controllers = [],
    ...rest
  } = parts;
  const app = await startApp(platform, {
    ...rest,
    imports: [
      ApiKeysModule.forRoot({ prefix: 'acme', ...keys }),
      SessionsModule.forRoot({ findSubject: users.findSubject, ...sessions }),
      AuthModule.forRoot({
        issuers: [ownTokens(), apiKeys()],
        tokenFrom: [fromBearer(), fromHeader('x-api-key')],
        publicUrl,
        clock,
        ...auth,
      }),
      ...stores,
      ...imports,
    ],
    controllers: [KeyTestController, SessionTestController, ...controllers],
  });
  return { app, clock, users, service: app.nest.get(ApiKeyService) };
}

/** Stores in memory, one of them replaced. */
export function storesWith(clock: ManualClock, token: unknown, store: object): NonNullable<AppParts['imports']> {
  const stores = memoryStores({ clock });
  const providers = stores.providers?.map((provider) =>
    typeof provider === 'object' && 'provide' in provider && provider.provide === token
      ? { provide: provider.provide, useValue: store }
      : provider,
  );
  return [{ ...stores, providers } as DynamicModule];
}

export const bearer = (text: string): Call => ({ token: text });
export const apiKeyHeader = (text: string): Call => ({ headers: [['x-api-key', text]] });
export const authorization = (value: string): Call => ({ headers: [['Authorization', value]] });
export const basic = (id: string, secret: string): Call =>
  authorization(`Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`);

/** The same text with another character at one place. */
export function withOther(text: string, at: number): string {
  const other = text.charAt(at) === 'a' ? 'b' : 'a';
  return text.slice(0, at) + other + text.slice(at + 1);
}
