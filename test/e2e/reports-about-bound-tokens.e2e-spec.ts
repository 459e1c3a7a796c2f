/** What others have reported about DPoP and certificates elsewhere, and what happens here. */
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { fromProxyHeader } from 'nest-gatehouse';
import { RedisStoresModule } from 'nest-gatehouse/redis';
import { beforeAll, describe, expect, it } from 'vitest';
import { endAfterwards, platforms, type RunningApp } from '../support/app.js';
import { algs, boundAsBearer, DpopStand, refusedProof, wrongBinding } from '../support/dpop-app.js';
import { DpopKey, dpopHeaders, type ProofParts } from '../support/dpop-key.js';
import { LogLines } from '../support/log-lines.js';
import { newPrefix, onOwnRedis, openIoredis, openNodeRedis, RedisServer } from '../support/redis.js';
import { callProxy, startTlsProxy } from '../support/tls-proxy.js';
import { unavailable, verdictOf } from '../support/verdicts.js';
import { client, otherClient } from '../vectors/client-certificates.js';

const thumbprint = Buffer.from(client.sha256, 'hex').toString('base64url');
const der = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');

describe.each(platforms)('on $name', (platform) => {
  let stand: DpopStand;
  let app: RunningApp;
  beforeAll(async () => {
    stand = await DpopStand.open(platform);
    app = await stand.start();
  });

  const proof = (token: string, parts: Partial<ProofParts> = {}, by = stand.key) => stand.proof(app, token, parts, by);
  const call = (token: string, used: string, to = app) => to.call('/cats', { headers: dpopHeaders(token, used) });

  it('a bound token is no bearer token, and the answer offers DPoP (mcp-oauth#383)', async () => {
    const token = await stand.boundToken();
    const answer = await app.call('/cats', { token });
    expect(verdictOf(answer)).toEqual(boundAsBearer);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token", .*, DPoP algs="/);
  });

  describe('a token that is bound to a certificate (draft-dpop#63, CVE-2026-46579)', () => {
    const from = (...trustedProxies: string[]) => ({
      clientCertificate: fromProxyHeader('x-client-cert', { format: 'der', trustedProxies }),
    });
    const certificate = ['x-client-cert', der(client.cert)] as const;

    it('is not accepted with a DPoP proof in the place of the certificate', async () => {
      const token = await stand.token({ cnf: { 'x5t#S256': thumbprint } });
      expect(verdictOf(await call(token, proof(token)))).toEqual(wrongBinding);
    });

    it('and to a key needs both: neither the certificate alone nor the proof alone will do', async () => {
      const behind = await stand.start(from('127.0.0.1'));
      const token = await stand.boundToken({ cnf: { 'x5t#S256': thumbprint, jkt: stand.key.jkt } });
      const sent = (...headers: (readonly [string, string])[]) => behind.call('/cats', { headers });
      const proven = () => dpopHeaders(token, proof(token, { url: `${behind.url}/cats` }));
      expect((await sent(...proven(), certificate)).status).toBe(200);
      expect(verdictOf(await sent(...proven()))).toEqual(wrongBinding);
      expect(verdictOf(await sent(...proven(), ['x-client-cert', der(otherClient.cert)]))).toEqual(wrongBinding);
      expect(verdictOf(await sent(['Authorization', `Bearer ${token}`], certificate))).toEqual(boundAsBearer);
      expect(verdictOf(await sent(['Authorization', `DPoP ${token}`], certificate))).toEqual(refusedProof);
    });

    it('is not accepted with the header of a caller that is no trusted proxy, or with the header twice', async () => {
      const token = await stand.token({ cnf: { 'x5t#S256': thumbprint } });
      const [behind, direct] = [await stand.start(from('127.0.0.1')), await stand.start(from('10.0.0.0/8'))];
      expect((await behind.call('/cats', { token, headers: [certificate] })).status).toBe(200);
      expect(verdictOf(await direct.call('/cats', { token, headers: [certificate] }))).toEqual(boundAsBearer);
      const twice = [certificate, ['X-Client-Cert', der(client.cert)]] as const;
      expect(verdictOf(await behind.call('/cats', { token, headers: twice }))).toEqual(boundAsBearer);
    });
  });

  it('another client cannot use up the jti of a proof (attesto#18, happyview#74)', async () => {
    const other = new DpopKey();
    const [ours, theirs] = [await stand.boundToken(), await stand.boundToken({ cnf: { jkt: other.jkt } })];
    const used = proof(ours, { jti: 'x' });
    expect((await call(ours, used)).status).toBe(200);
    expect((await call(theirs, proof(theirs, { jti: 'x' }, other))).status).toBe(200);
    expect(verdictOf(await call(ours, used))).toEqual(refusedProof);
  });

  it('a proof from a clock that is ahead is remembered for as long as it would pass (sourcebot#1395)', async () => {
    const token = await stand.boundToken();
    const used = proof(token, { at: new Date(stand.clock.now().getTime() + 200_000) });
    expect((await call(token, used)).status).toBe(200);
    // At +310 s its iat is 110 s ago, well within the window: only the memory can refuse it. From +500 s on its age does.
    for (const seconds of [310, 189, 2]) {
      stand.clock.advanceSeconds(seconds);
      expect(verdictOf(await call(token, used))).toEqual(refusedProof);
    }
    expect((await call(token, proof(token))).status).toBe(200);
  });

  onOwnRedis.it(
    'a proof passes at one of two instances, and at none while their Redis is stopped (spring-security#18120)',
    async () => {
      const server = await RedisServer.start();
      endAfterwards(() => server.remove());
      const keyPrefix = newPrefix();
      const publicUrl = 'https://api.example.com';
      const start = async (open: typeof openIoredis) => {
        const { client: redis, close } = await open(server.url);
        endAfterwards(() => Promise.resolve(close()));
        const imports = [RedisStoresModule.forRoot({ client: redis, keyPrefix, commandTimeoutMs: 500 })];
        return stand.start({ publicUrl }, { imports });
      };
      const instances = [await start(openIoredis), await start(openNodeRedis)];
      const [one = app, other = app] = instances;
      const token = await stand.boundToken();
      const make = () => proof(token, { url: `${publicUrl}/cats` });
      const used = make();
      expect((await call(token, used, one)).status).toBe(200);
      expect(verdictOf(await call(token, used, other))).toEqual(refusedProof);
      const unused = make();
      await server.stop();
      for (const instance of instances) {
        const answer = await call(token, unused, instance);
        expect(verdictOf(answer)).toEqual(unavailable);
        expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      }
    },
  );

  it('htu is the address before the proxy that ends TLS and strips a path, whoever sends X-Forwarded-Host (keycloak#39332, pds#163, spring-security#17202)', async () => {
    const proxy = await startTlsProxy('/svc2');
    const publicUrl = `${proxy.url}/svc2`;
    const behind = await stand.start({ publicUrl });
    proxy.forwardTo(behind.url);
    const token = await stand.boundToken();
    const sent = (htu: string, ...more: [string, string][]) =>
      callProxy(`${publicUrl}/cats?page=1`, [...dpopHeaders(token, proof(token, { url: htu })), ...more]);
    const forged: [string, string][] = [
      ['X-Forwarded-Host', 'evil.example'],
      ['Forwarded', 'host=evil.example;proto=https'],
    ];
    expect(await sent(`${publicUrl}/cats`)).toBe(200);
    expect(await sent(`${publicUrl}/cats`, ...forged)).toBe(200);
    const wrong = [
      `${behind.url}/cats`,
      `${proxy.url}/cats`,
      'https://evil.example/svc2/cats',
      'https://evil.example/cats',
    ];
    for (const htu of wrong) expect(await sent(htu, ...forged), htu).toBe(401);
  });

  it('the nonce is in the answer although a filter of the app makes that (better-auth#10039)', async () => {
    @Catch(HttpException)
    class EnvelopeFilter implements ExceptionFilter {
      catch(error: HttpException, host: ArgumentsHost): void {
        const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>();
        response.status(error.getStatus()).send({ failed: error.getResponse() });
      }
    }
    const filtered = await stand.start(
      { dpop: { mode: 'require', nonce: true } },
      { prepare: (nest) => void nest.useGlobalFilters(new EnvelopeFilter()), logger: new LogLines() },
    );
    const token = await stand.boundToken();
    const send = (nonce?: string) => call(token, proof(token, { url: `${filtered.url}/cats`, nonce }), filtered);
    const asked = await send();
    expect([asked.status, asked.json]).toMatchObject([401, { failed: { code: 'USE_DPOP_NONCE' } }]);
    expect(asked.headers['www-authenticate']).toContain(`DPoP error="use_dpop_nonce"`);
    expect(asked.headers['www-authenticate']).toContain(algs);
    expect((await send(asked.headers['dpop-nonce'])).status).toBe(200);
  });
});
