/** Strangers of several networks send invented tokens while the issuer is slow: a user of another network is still served. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, CurrentUser, oidc } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { startServer } from '../support/answering-server.js';
import { endAfterwards, platforms, startApp } from '../support/app.js';

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @Get('me')
  me(@CurrentUser('id') id: string): object {
    return { id };
  }
}

/** An issuer that knows the tokens that begin with `good`. It answers nothing until `release` is called. */
async function startSlowIssuer() {
  const waiting: (() => void)[] = [];
  const state = { isReleased: false };
  const server = await startServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    incoming.on('end', () => {
      const active = body.startsWith('token=good');
      const exp = Math.floor(Date.now() / 1_000) + 600;
      const claims = { active, ...(active && { sub: 'alice', aud: 'api', exp }) };
      const answer = (): unknown =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(claims));
      if (state.isReleased) answer();
      else waiting.push(answer);
    });
  });
  const release = (): void => {
    state.isReleased = true;
    for (const answer of waiting.splice(0)) answer();
  };
  return { url: server.url, waiting, release };
}

/** Sends requests with different tokens on one connection, without waiting for answers. */
function sendJunk(url: URL, network: string, number: number): void {
  const socket = connect({ host: url.hostname, port: Number(url.port), localAddress: network });
  socket.on('error', () => undefined).resume();
  const head = (at: number): string =>
    `GET /me HTTP/1.1\r\nHost: ${url.host}\r\nAuthorization: Bearer junk-${network}-${at}\r\n\r\n`;
  socket.write(Array.from({ length: number }, (_, at) => head(at)).join(''));
  endAfterwards(() => Promise.resolve(socket.destroy()));
}

function callFrom(url: URL, localAddress: string, token: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { Authorization: `Bearer ${token}` };
    request(new URL('/me', url), { headers, agent: false, localAddress })
      .once('response', (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .once('error', reject)
      .end();
  });
}

describe.each(platforms)('a user on $name', (platform) => {
  it('is served while callers of eight other networks fill all places of unknown tokens', async () => {
    const issuer = await startSlowIssuer();
    const introspection = { clientId: 'api', clientSecret: 'secret', endpoint: issuer.url };
    let arrived = 0;
    const app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: 'http://localhost:1', audience: 'api', introspection }) }),
      ],
      controllers: [CatsController],
      prepare: (nest) =>
        nest.use((_request: object, _response: object, next: () => void) => {
          arrived += 1;
          next();
        }),
    });
    const url = new URL(app.url);

    // 48 of the first are asked for at once, and 500 of each network may wait.
    for (let network = 2; network < 10; network += 1) sendJunk(url, `127.0.0.${network}`, 560);
    await expect.poll(() => arrived, { interval: 5 }).toBe(8 * 560);
    const [refused, user] = [callFrom(url, '127.0.0.2', 'junk'), callFrom(url, '127.0.0.10', 'good')];
    expect(await refused).toBe(503);
    await expect.poll(() => arrived, { interval: 5 }).toBe(8 * 560 + 2);
    await expect.poll(() => issuer.waiting.length, { interval: 5 }).toBeGreaterThanOrEqual(48);
    issuer.release();

    expect(await user).toBe(200);
  });
});
