/** What a proof is for: the address of the request behind proxies, one request that is seen twice, and nonces of the server. */
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type AuthModuleOptions, RequestAuthentication } from 'nest-gatehouse';
import { beforeAll, describe, expect, it } from 'vitest';
import { behindProxy, platforms, type RunningApp } from '../support/app.js';
import { dpop, DpopStand, refusedProof } from '../support/dpop-app.js';
import { dpopHeaders, type ProofParts } from '../support/dpop-key.js';
import { LogLines, see } from '../support/log-lines.js';
import { verdictOf } from '../support/verdicts.js';
import { rightSpellings, wrongSpellings } from '../vectors/htu-spellings.js';

describe.each(platforms)('proofs on $name', (platform) => {
  let stand: DpopStand;
  let app: RunningApp;
  beforeAll(async () => {
    stand = await DpopStand.open(platform);
    app = await stand.start();
  });

  const proof = (token: string, parts: Partial<ProofParts> = {}) => stand.proof(app, token, parts);

  it('compare htu with publicUrl alone, whatever the headers of the request say', async () => {
    const publicUrl = 'https://api.example.com/svc2';
    const behind = await stand.start({ publicUrl }, { platform: behindProxy(platform) });
    const token = await stand.boundToken();
    const sent = (url: string, ...headers: [string, string][]) =>
      behind.call('/cats?page=2', { headers: [...dpopHeaders(token, proof(token, { url })), ...headers] });
    expect((await sent(`${publicUrl}/cats`)).status).toBe(200);
    expect((await sent(`${publicUrl}/cats?page=3`)).status).toBe(200);
    const forged: [string, string][] = [
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Proto', 'http'],
      ['Forwarded', 'host=evil.example;proto=http'],
    ];
    expect((await sent(`${publicUrl}/cats`, ...forged)).status).toBe(200);
    for (const url of [`${behind.url}/cats`, 'https://api.example.com/cats', 'http://evil.example/cats']) {
      expect(verdictOf(await sent(url, ...forged))).toEqual(refusedProof);
    }
  });

  it('pass with every spelling of the address, and with no other address', async () => {
    const at = await stand.start({ publicUrl: 'https://api.example.com/v1' });
    const token = await stand.boundToken();
    const path = '/cats/~tom%2Fjerry/caf%C3%A9?page=2';
    const statusOf = async (url: string) =>
      (await at.call(path, { headers: dpopHeaders(token, proof(token, { url })) })).status;
    for (const url of rightSpellings) expect(await statusOf(url), url).toBe(200);
    for (const url of wrongSpellings) expect(await statusOf(url), url).toBe(401);
  });

  it('compare htu with what the adapter reports without publicUrl', async () => {
    const token = await stand.boundToken();
    const forwarded: [string, string][] = [
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'evil.example'],
    ];
    const sent = (to: RunningApp, url: string) =>
      to.call('/cats', { headers: [...dpopHeaders(token, proof(token, { url })), ...forwarded] });
    expect((await sent(app, `${app.url}/cats`)).status).toBe(200);
    expect(verdictOf(await sent(app, 'https://evil.example/cats'))).toEqual(refusedProof);
    const trusting = await stand.start({}, { platform: behindProxy(platform) });
    expect((await sent(trusting, 'https://evil.example/cats')).status).toBe(200);
  });

  it('log why, without token and proof', async () => {
    const logger = new LogLines();
    const logged = await stand.start({}, { logger });
    const token = await stand.boundToken();
    const used = proof(token, { url: `${logged.url}/cats?x`, method: 'POST' });
    await logged.call('/cats', { headers: dpopHeaders(token, used) });
    expect(logger.ours('debug').map(({ text }) => text)).toEqual([
      `CatsController.list: refused (INVALID_TOKEN, proof). Its "htm" is "POST", and the method is "GET"${see('INVALID_TOKEN', 'proof')}`,
    ]);
    expect(JSON.stringify(logger.lines)).not.toContain(used.split('.')[2]);
  });

  it('use their proof once where a middleware has authenticated the request before', async () => {
    const seen = await stand.start(
      {},
      {
        prepare: (nest) => {
          nest.use((request: object, _: object, next: (error?: unknown) => void) => {
            nest
              .get(RequestAuthentication)
              .authenticateRequest(request)
              .then(() => next(), next);
          });
        },
      },
    );
    const token = await stand.boundToken();
    const used = dpopHeaders(token, proof(token, { url: `${seen.url}/cats` }));
    expect((await seen.call('/cats', { headers: used })).status).toBe(200);
    expect((await seen.call('/cats', { headers: used })).status).toBe(401);
  });

  describe('with nonces of the server', () => {
    const nonceSecret = Buffer.alloc(32, 'nonces').toString('base64');
    const options: Partial<AuthModuleOptions> = { dpop: { mode: 'accept', nonce: true, nonceSecret } };

    @Catch(HttpException)
    class EnvelopeFilter implements ExceptionFilter {
      catch(error: HttpException, host: ArgumentsHost): void {
        const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>();
        response.status(error.getStatus()).send({ failed: error.getResponse() });
      }
    }

    it('ask for one, take it at any instance, and give a newer one with an answer', async () => {
      const [one, other] = [await stand.start(options), await stand.start(options)];
      const token = await stand.boundToken();
      const sent = (to: RunningApp, nonce?: string) =>
        to.call('/cats', { headers: dpopHeaders(token, proof(token, { url: `${to.url}/cats`, nonce })) });
      const asked = await sent(one);
      expect(verdictOf(asked)).toEqual({
        status: 401,
        challenge: `Bearer, ${dpop('use_dpop_nonce', 'The DPoP proof has to contain the nonce of this answer')}`,
        code: 'USE_DPOP_NONCE',
      });
      const nonce = asked.headers['dpop-nonce'];
      expect(nonce).toMatch(/^[\w-]{22}$/);
      const passed = await sent(other, nonce);
      expect([passed.status, passed.headers['dpop-nonce'], passed.headers['cache-control']]).toEqual([
        200,
        undefined,
        undefined,
      ]);
      stand.clock.advanceSeconds(60);
      const renewed = await sent(other, nonce);
      expect([renewed.status, renewed.headers['cache-control']]).toEqual([200, 'no-store']);
      expect(renewed.headers['dpop-nonce']).toMatch(/^[\w-]{22}$/);
      expect((await sent(one, renewed.headers['dpop-nonce'])).headers).not.toHaveProperty('dpop-nonce');
      stand.clock.advanceSeconds(180);
      expect((await sent(one, nonce)).status).toBe(401);
    });

    it('give it also where a filter of the app sends the refusal', async () => {
      const filtered = await stand.start(options, {
        prepare: (nest) => void nest.useGlobalFilters(new EnvelopeFilter()),
      });
      const token = await stand.boundToken();
      const answer = await filtered.call('/cats', {
        headers: dpopHeaders(token, proof(token, { url: `${filtered.url}/cats` })),
      });
      expect([answer.status, answer.json]).toMatchObject([401, { failed: { code: 'USE_DPOP_NONCE' } }]);
      expect(answer.headers['dpop-nonce']).toMatch(/^[\w-]{22}$/);
      expect(answer.headers['www-authenticate']).toContain('use_dpop_nonce');
    });
  });
});
