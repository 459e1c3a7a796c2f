/** Tokens that are bound to the client certificate of a TLS connection (RFC 8705 §3), on TLS servers of Node. */
import { connect } from 'node:http2';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthGuard, AuthModule, type AuthModuleOptions, CurrentUser, fromProxyHeader, oidc } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, RunningApp, startApp, startIssuer } from '../support/app.js';
import { DpopKey } from '../support/dpop-key.js';
import { client, otherClient } from '../vectors/client-certificates.js';

@UseGuards(AuthGuard)
@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('cats')
  list(@CurrentUser('id') id: string): object {
    return { id };
  }
}

const thumbprint = Buffer.from(client.sha256, 'hex').toString('base64url');
const cnf = { 'x5t#S256': thumbprint };
const base64 = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await startIssuer();
});

const tokenWith = (confirmation: object) => issuer.token({ aud: 'api', sub: 'alice', cnf: confirmation });
const moduleWith = (options: Partial<AuthModuleOptions> = {}) => ({
  imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }), ...options })],
  controllers: [CatsController],
});

/** A server that asks each client for a certificate, and leaves it to the app what it is worth. */
const tls = { key: client.key, cert: client.cert, requestCert: true, rejectUnauthorized: false };

async function startTlsApp(name: string, options: Partial<AuthModuleOptions> = {}): Promise<RunningApp> {
  class RootModule {}
  const adapter = name === 'Express' ? new ExpressAdapter() : new FastifyAdapter({ https: tls } as object);
  const nest = await NestFactory.create({ module: RootModule, ...moduleWith(options) }, adapter as never, {
    logger: false,
    abortOnError: false,
    httpsOptions: tls,
  });
  return RunningApp.listen(nest);
}

interface Certified {
  readonly key: string;
  readonly cert: string;
}

function callOverTls(app: RunningApp, headers: Record<string, string>, certificate?: Certified) {
  return new Promise<{ status: number | undefined; challenge: string | undefined; body: unknown }>(
    (resolve, reject) => {
      const options = {
        headers,
        agent: false,
        rejectUnauthorized: false,
        ...(certificate && { key: certificate.key, cert: certificate.cert }),
      };
      const sent = request(new URL('/cats', app.url), options, (response) => {
        text(response).then((body) => {
          resolve({
            status: response.statusCode,
            challenge: response.headers['www-authenticate'],
            body: JSON.parse(body),
          });
        }, reject);
      });
      sent.on('error', reject);
      sent.end();
    },
  );
}

const refused = {
  status: 401,
  challenge: expect.stringMatching(/^Bearer error="invalid_token"/) as string,
  body: expect.objectContaining({ code: 'INVALID_TOKEN', reason: 'proof' }) as object,
};

describe.each(platforms)('a token that is bound to a certificate, on $name', (platform) => {
  it('passes over the connection that has the certificate, and over no other', async () => {
    const app = await startTlsApp(platform.name);
    const authorization = `Bearer ${await tokenWith(cnf)}`;
    for (let time = 0; time < 3; time += 1) {
      expect(await callOverTls(app, { authorization }, client)).toMatchObject({ status: 200, body: { id: 'alice' } });
      expect(await callOverTls(app, { authorization }, otherClient)).toMatchObject(refused);
      expect(await callOverTls(app, { authorization })).toMatchObject(refused);
    }
    const unbound = `Bearer ${await issuer.token({ aud: 'api', sub: 'alice' })}`;
    expect(await callOverTls(app, { authorization: unbound })).toMatchObject({ status: 200 });
    const header = base64(client.cert);
    expect(
      await callOverTls(app, { authorization, 'x-client-cert': header, 'client-cert': `:${header}:` }),
    ).toMatchObject(refused);
  });

  it('is refused where its confirmation is malformed or has more than is known', async () => {
    const app = await startTlsApp(platform.name);
    for (const wrong of [
      { 'x5t#S256': [thumbprint] },
      { 'x5t#S256': 123 },
      { 'x5t#S256': client.sha256 },
      { x5t: thumbprint },
      { ...cnf, jwk: {} },
      { 'x5t#S256': '' },
    ]) {
      const authorization = `Bearer ${await tokenWith(wrong)}`;
      expect(await callOverTls(app, { authorization }, client)).toMatchObject(refused);
    }
  });

  it('needs the proof as well where it is bound to a key too', async () => {
    const app = await startTlsApp(platform.name, { dpop: 'accept' });
    const key = new DpopKey();
    const token = await tokenWith({ ...cnf, jkt: key.jkt });
    const proven = () => ({
      authorization: `DPoP ${token}`,
      dpop: key.proof({ url: `${app.url}/cats`, token }),
    });
    expect(await callOverTls(app, proven(), client)).toMatchObject({ status: 200 });
    expect((await callOverTls(app, proven(), otherClient)).status).toBe(401);
    expect((await callOverTls(app, { authorization: `Bearer ${token}` }, client)).status).toBe(401);
  });

  it('passes with the header of a trusted proxy, and with none from elsewhere', async () => {
    const header = base64(client.cert);
    const app = await startApp(
      platform,
      moduleWith({
        clientCertificate: fromProxyHeader('x-client-cert', { format: 'der', trustedProxies: ['127.0.0.1'] }),
      }),
    );
    const elsewhere = await startApp(
      platform,
      moduleWith({
        clientCertificate: fromProxyHeader('x-client-cert', { format: 'der', trustedProxies: ['10.0.0.0/8'] }),
      }),
    );
    const token = await tokenWith(cnf);
    expect((await app.call('/cats', { token, headers: [['x-client-cert', header]] })).status).toBe(200);
    expect((await app.call('/cats', { token, headers: [['x-client-cert', base64(otherClient.cert)]] })).status).toBe(
      401,
    );
    expect(
      (
        await app.call('/cats', {
          token,
          headers: [
            ['x-client-cert', header],
            ['X-Client-Cert', header],
          ],
        })
      ).status,
    ).toBe(401);
    expect((await app.call('/cats', { token })).status).toBe(401);
    const spoofed = [
      ['x-client-cert', header],
      ['x-forwarded-for', '10.0.0.1'],
    ] as const;
    expect((await elsewhere.call('/cats', { token, headers: spoofed })).status).toBe(401);
  });
});

it('reads the certificate of an HTTP/2 connection', async () => {
  class RootModule {}
  const adapter = new FastifyAdapter({ http2: true, https: tls } as object);
  const nest = await NestFactory.create({ module: RootModule, ...moduleWith() }, adapter as never, {
    logger: false,
    abortOnError: false,
  });
  const app = await RunningApp.listen(nest);
  const token = await tokenWith(cnf);
  const statuses: unknown[] = [];
  for (const certificate of [client, otherClient]) {
    const session = connect(app.url, { key: certificate.key, cert: certificate.cert, rejectUnauthorized: false });
    const stream = session.request({ ':path': '/cats', authorization: `Bearer ${token}` });
    stream.end();
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      stream.once('response', resolve).once('error', reject);
    });
    await text(stream);
    statuses.push(headers[':status']);
    session.destroy();
  }
  expect(statuses).toEqual([200, 401]);
});
