/** A transport of an app's own: the guard, the decorators and both kinds of credentials work on it, by one line of options. */
import { ForbiddenException, HttpException, Injectable, UseGuards } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ExternalContextCreator } from '@nestjs/core';
import { AcceptCredentials, AuthGuard, type AuthUser, CurrentUser, OptionalAuth, RefusalError } from 'nest-gatehouse';
import { RequireScopes } from 'nest-gatehouse';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';
import { bot, type BotUpdate } from '../support/bot.js';
import { openSecondScheme, type SecondScheme } from '../support/second-scheme.js';

const say = (user: AuthUser | null): string => (user === null ? 'anonymous' : `${user.credential.kind} ${user.id}`);

@UseGuards(AuthGuard)
@Injectable()
class CatsBot {
  me(@CurrentUser('id') id: string, @CurrentUser('credential.kind') kind: string): string {
    return `${kind} ${id}`;
  }

  @OptionalAuth()
  maybe(@CurrentUser() user: AuthUser | null): string {
    return say(user);
  }

  @RequireScopes('cats:write')
  adopt(@CurrentUser() user: AuthUser): string {
    return say(user);
  }

  @AcceptCredentials('access-token')
  people(@CurrentUser() user: AuthUser): string {
    return say(user);
  }

  @OptionalAuth()
  revoked(): never {
    throw RefusalError.token('revoked', 'for the log');
  }
}

describe.each(platforms)('a bot in an app on $name', (platform) => {
  let stand: SecondScheme;
  let handle: (name: keyof CatsBot, headers: BotUpdate['headers']) => Promise<unknown>;

  beforeAll(async () => {
    stand = await openSecondScheme();
    const imports = [stand.importModule({ transports: [bot()] })];
    const { nest } = await startApp(platform, { imports, providers: [CatsBot] });
    const instance = nest.get(CatsBot);
    handle = async (name, headers) => {
      const call = nest
        .get(ExternalContextCreator)
        .create(
          instance,
          instance[name] as (...args: unknown[]) => unknown,
          name,
          ROUTE_ARGS_METADATA,
          { exchangeKeyForValue: () => undefined },
          undefined,
          undefined,
          { guards: true, filters: true, interceptors: true },
          'bot',
        );
      const update: BotUpdate = { text: `/${name}`, headers };
      return (call(update) as Promise<unknown>).catch((error: unknown) => {
        if (!(error instanceof HttpException)) throw error;
        expect(error).toBeInstanceOf(ForbiddenException);
        const { statusCode, code, reason } = error.getResponse() as Record<string, unknown>;
        return [statusCode, code, reason];
      });
    };
  });

  it('accepts keys and tokens', async () => {
    const token = await stand.tokenFor('alice');
    for (const name of ['me', 'maybe'] as const) {
      expect(await handle(name, { 'x-api-key': 'key_m' })).toBe('api-key machine');
      expect(await handle(name, { authorization: `Bearer ${token}` })).toBe('access-token alice');
    }
    expect(await handle('adopt', { 'x-api-key': 'key_w' })).toBe('api-key writer');
    expect(await handle('people', { authorization: `Bearer ${token}` })).toBe('access-token alice');
    expect(await handle('maybe', {})).toBe('anonymous');
    expect(await handle('maybe', { 'x-api-key': 'key_x' })).toBe('anonymous');
  });

  it('keeps the callers of messages apart that are handled at the same time', async () => {
    const token = await stand.tokenFor('alice');
    const callers = [{ 'x-api-key': 'key_m' }, { authorization: `Bearer ${token}` }, { 'x-api-key': 'key_w' }];
    const replies = await Promise.all(callers.map((headers) => handle('me', headers)));
    expect(replies).toEqual(['api-key machine', 'access-token alice', 'api-key writer']);
  });

  it('refuses as other transports do, also what a handler throws', async () => {
    expect(await handle('me', {})).toEqual([401, 'MISSING_TOKEN', undefined]);
    expect(await handle('me', { 'x-api-key': 'key_x' })).toEqual([401, 'INVALID_TOKEN', 'malformed']);
    expect(await handle('adopt', { 'x-api-key': 'key_m' })).toEqual([403, 'INSUFFICIENT_SCOPE', undefined]);
    expect(await handle('people', { 'x-api-key': 'key_m' })).toEqual([401, 'INVALID_TOKEN', 'type']);
    expect(await handle('maybe', { 'x-api-key': 'key_down' })).toEqual([503, 'SERVER_ERROR', undefined]);
    expect(await handle('revoked', {})).toEqual([401, 'INVALID_TOKEN', 'revoked']);
  });
});
