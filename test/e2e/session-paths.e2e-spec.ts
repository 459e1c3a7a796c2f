/** The routes of SessionsModule: where they are, beside those of the app, and in an app that guards everything. */
import { Controller, Get, Post } from '@nestjs/common';
import { AuthModule } from 'nest-gatehouse';
import { ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { describe, expect, it } from 'vitest';
import { type AppParts, type Platform, platforms, type RunningApp, startApp } from '../support/app.js';
import { publicUrl, SessionClient, SessionTestController } from '../support/session-app.js';

type Imports = NonNullable<AppParts['imports']>;

const auth = (more: object = {}): Imports[number] => AuthModule.forRoot({ issuers: ownTokens(), publicUrl, ...more });
const sessions = (more: object = {}): Imports[number] =>
  SessionsModule.forRoot({ findSubject: (id) => ({ id }), ...more });
const stores = (): Imports[number] => memoryStores();

const start = (platform: Platform, imports: Imports, more: Partial<AppParts> = {}): Promise<RunningApp> =>
  startApp(platform, { imports, controllers: [SessionTestController], ...more });

describe.each(platforms)('the routes of SessionsModule, on $name', (platform) => {
  it('leave those of the app beside them alone', async () => {
    @Controller('auth')
    class OwnController {
      @Get('hello')
      hello(): string {
        return 'hello';
      }

      @Post('sign-in')
      signIn(): string {
        return 'mine';
      }
    }
    const app = await start(platform, [auth(), sessions(), stores()], {
      controllers: [SessionTestController, OwnController],
    });
    expect((await app.call('/auth/hello')).text).toBe('hello');
    expect((await app.call('/auth/sign-in', { method: 'POST' })).text).toBe('mine');
    expect((await app.call('/auth/me')).status).toBe(401);
  });

  it('stay open in an app that guards everything, and require a session where it says so', async () => {
    const app = await start(platform, [auth({ guardEverything: true }), sessions(), stores()]);
    const client = new SessionClient(app);
    expect((await client.signIn('alice')).status).toBe(201);
    const { jar } = client;
    const headers = [['Cookie', `__Host-refresh=${jar.get('__Host-refresh') ?? ''}`]] as const;
    expect((await app.call('/auth/refresh', { method: 'POST', headers })).status).toBe(200);
    expect((await app.call('/auth/sign-out', { method: 'POST' })).status).toBe(204);
    expect((await app.call('/auth/me')).status).toBe(401);
    expect((await client.call('/auth/me')).status).toBe(200);
  });
});
