/** The recipe for a rate limit in docs/guides/recipes.md, with the limiter of Nest: by key, by user, by network. */
import { isIPv6 } from 'node:net';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { type AuthUser, Public } from 'nest-gatehouse';
import { SessionService } from 'nest-gatehouse/sessions';
import { describe, expect, it } from 'vitest';
import { behindProxy, platforms } from '../support/app.js';
import type { Call } from '../support/http.js';
import { basic, bearer, startKeyStoreApp } from '../support/key-store-app.js';

@Injectable()
class CallerThrottlerGuard extends ThrottlerGuard {
  protected override getTracker({ user, ip }: { user?: AuthUser | null; ip: string }): Promise<string> {
    if (user?.credential.kind === 'api-key') return Promise.resolve(`key ${String(user.credential.id)}`);
    return Promise.resolve(user ? `user ${user.issuer} ${user.id}` : `network ${networkOf(ip)}`);
  }
}

function networkOf(ip: string): string {
  const address = ip.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(address)) return address;
  const [head = [], tail] = address.split('::', 2).map((part) => part.split(':').filter(Boolean));
  const zeros = tail === undefined ? [] : Array<string>(8 - head.length - tail.length).fill('0');
  const groups = [...head, ...zeros, ...(tail ?? [])];
  return groups
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':');
}

@Module({
  imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 3 }])],
  providers: [{ provide: APP_GUARD, useClass: CallerThrottlerGuard }],
})
class LimitModule {}

@Public()
@Controller()
class OpenController {
  @Get('open')
  open(): string {
    return 'open';
  }
}

describe.each(platforms)('a rate limit for each caller on $name', (platform) => {
  const start = () =>
    startKeyStoreApp(behindProxy(platform), {
      auth: { guardEverything: true } as never,
      imports: [LimitModule],
      controllers: [OpenController],
    });

  it('counts each API key for itself, however it is sent, and each user for itself', async () => {
    const { app, service } = await start();
    const statusOf = async (call: Call): Promise<number> => (await app.call('/caller', call)).status;
    const [one, other] = [await service.create({ userId: 'alice' }), await service.create({ userId: 'alice' })];
    const statuses = [];
    for (const call of [bearer(one.text), basic(one.id, one.secret), bearer(one.text), basic(one.id, one.secret)]) {
      statuses.push(await statusOf(call));
    }
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await statusOf(bearer(other.text)), 'another key of the same user').toBe(200);

    const tokens = [];
    for (const id of ['alice', 'alice', 'bob']) tokens.push((await app.nest.get(SessionService).start(id)).accessToken);
    const [first = '', second = '', ofBob = ''] = tokens;
    const ofUsers = [];
    for (const token of [first, second, first, second]) ofUsers.push(await statusOf(bearer(token)));
    expect(ofUsers, 'two sessions are one user').toEqual([200, 200, 200, 429]);
    expect(await statusOf(bearer(ofBob))).toBe(200);
  });

  it('counts anonymous callers by their network, and refused ones not at all', async () => {
    const { app } = await start();
    const statusOf = async (path: string, from: string, call: Call = {}): Promise<number> => {
      const headers = [...(call.headers ?? []), ['X-Forwarded-For', from] as const];
      return (await app.call(path, { ...call, headers })).status;
    };
    const statuses = [];
    for (const from of ['2001:db8:0:1::1', '2001:0db8::1:0:0:0:2', '2001:db8:0:1:ffff::', '2001:db8:0:1::4']) {
      statuses.push(await statusOf('/open', from));
    }
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await statusOf('/open', '2001:db8:0:2::1')).toBe(200);
    expect(await statusOf('/open', '192.0.2.1')).toBe(200);
    for (let at = 0; at < 5; at += 1) expect(await statusOf('/caller', '192.0.2.7')).toBe(401);
    expect(await statusOf('/open', '192.0.2.7')).toBe(200);
  });
});
