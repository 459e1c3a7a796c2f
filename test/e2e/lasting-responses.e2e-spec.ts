/** Responses that do not end with their token: marked ones, those without a user, and answers that have not begun. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { type CanActivate, Controller, type ExecutionContext, Get, Injectable, Res, UseGuards } from '@nestjs/common';
import { AuthGuard } from 'nest-gatehouse';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { streamPlatforms, StreamsStand } from '../support/streams-app.js';

type Reply = ServerResponse & { readonly raw?: ServerResponse };

/** The steps of a call whose client leaves. */
let steps: string[] = [];

/** Lets a call pass when its client has left. */
@Injectable()
class LeftClientGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const response = context.switchToHttp().getResponse<Reply>();
    const closed = once(response.raw ?? response, 'close');
    steps.push('waits');
    await closed;
    return true;
  }
}

@UseGuards(LeftClientGuard, AuthGuard)
@Controller('left')
class LeftController {
  @Get()
  left(@Res() response: Reply): void {
    steps.push('handled');
    (response.raw ?? response).end('left');
  }
}

describe.each(streamPlatforms)('a response of $name', (platform) => {
  let stand: StreamsStand;

  beforeEach(async () => {
    steps = [];
    stand = await StreamsStand.start(platform, { controllers: [LeftController] });
  });

  it('is not watched where the client has left while a guard waited', async () => {
    const leave = platform.send(`${stand.app.url}/left`, await stand.tokenOf('alice'));
    await vi.waitUntil(() => steps.includes('waits'));
    leave();
    await vi.waitUntil(() => steps.includes('handled'));
    for (let turn = 0; turn < 10; turn += 1) await setImmediate();
    expect([stand.watched, stand.timer.delayMs]).toEqual([0, null]);
  });

  it.each(['outliving', 'exports/file', 'public'])('goes on without its token: %s', async (path) => {
    const response = await stand.open(path);
    await vi.waitUntil(() => response.text().length > 1);
    expect(stand.watched).toBe(0);
    await stand.revoke('alice');
    await stand.pass(3_600);
    expect(stand.running).toBe(1);
    response.leave();
    await stand.untilNothingRuns();
  });

  it('of an optional route goes on where there is no user', async () => {
    const response = await stand.open('optional', null);
    await response.untilContains('tick');
    expect(stand.watched).toBe(0);
    response.leave();
    await stand.untilNothingRuns();
  });

  it('is answered where the token has ended before the handler has returned', async () => {
    const opening = stand.open('slow');
    await vi.waitUntil(() => stand.watched === 1);
    await stand.pass(306);
    await stand.revoke('alice');
    await stand.pass(100);
    stand.answer();
    const response = await opening;
    expect([await response.end, response.status, response.text()]).toEqual(['complete', 200, 'slow']);
    await stand.untilNothingRuns();
    response.leave();
  });

  it('ends a second after it has begun where the token has ended before', async () => {
    const opening = stand.open('late');
    await vi.waitUntil(() => stand.watched === 1);
    await stand.pass(306);
    stand.answer();
    const response = await opening;
    await response.untilContains('part');
    await stand.pass(1);
    expect(await response.end).toBe('cut off');
    await stand.untilNothingRuns();
    response.leave();
  });

  it('leaves nothing in memory, and is not watched where its handler answers at once', async () => {
    const token = await stand.tokenOf('alice');
    for (let request = 0; request < 20; request += 1) {
      const response = await stand.open('short', token);
      expect(await response.end).toBe('complete');
      response.leave();
    }
    // The timer is set for the first response that is watched.
    expect([stand.timer.delayMs, stand.watched]).toEqual([null, 0]);
    const left = await stand.open('events', token);
    await left.untilContains('tick');
    expect([stand.timer.delayMs, stand.watched]).toEqual([expect.any(Number), 1]);
    left.leave();
    await stand.untilNothingRuns();
  });
});
