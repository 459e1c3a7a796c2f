/** The certificate of a client as each proxy that ends TLS writes it into a header, and the same header from somebody else. */
import { X509Certificate } from 'node:crypto';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, CurrentUser, fromProxyHeader, oidc, type ProxyHeaderOptions } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, startApp, startIssuer } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { invalidTokenChallenge, verdictOf } from '../support/verdicts.js';
import { client, otherClient } from '../vectors/client-certificates.js';

@Controller()
class CatsController {
  @UseGuards(AuthGuard)
  @Get('cats')
  list(@CurrentUser('id') id: string): object {
    return { id };
  }
}

type Certificate = typeof otherClient;

/** The SHA-256 of the DER form, in hexadecimal. */
const hashOf = ({ cert }: Certificate): string =>
  new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase();

const base64 = ({ cert }: Certificate): string => cert.replaceAll(/-----[^-]+-----|\s/g, '');
const escaped = ({ cert }: Certificate): string => encodeURIComponent(cert);
/** AWS leaves `+ = /` as they are, so that the value must not be decoded like a form. */
const escapedByAws = (certificate: Certificate): string =>
  escaped(certificate).replaceAll(/%2B|%3D|%2F/g, decodeURIComponent);
const envoy = (certificate: Certificate): string =>
  `By=spiffe://cluster.local/ns/default/sa/api;Hash=${hashOf(certificate)};Cert="${escaped(certificate)}";` +
  `Chain="${escaped(certificate)}";Subject="CN=\\"client; of, all\\",O=Example";URI=spiffe://cluster.local/sa/client`;

type Format = ProxyHeaderOptions['format'];
const proxies: readonly [proxy: string, header: string, format: Format, write: (of: Certificate) => string][] = [
  ['nginx, $ssl_client_escaped_cert', 'ssl-client-cert', 'pem', escaped],
  ['nginx, $ssl_client_cert', 'ssl-client-cert', 'pem', ({ cert }) => cert.trim().replaceAll('\n', ' ')],
  ['AWS ALB, verify mode', 'X-Amzn-Mtls-Clientcert-Leaf', 'pem', escapedByAws],
  ['AWS ALB, pass-through', 'X-Amzn-Mtls-Clientcert', 'pem', (of) => escapedByAws(of) + escapedByAws(otherClient)],
  ['Traefik', 'X-Forwarded-Tls-Client-Cert', 'der', base64],
  ['Traefik, escaped', 'X-Forwarded-Tls-Client-Cert', 'der', (of) => encodeURIComponent(base64(of))],
  ['Traefik, the chain', 'X-Forwarded-Tls-Client-Cert', 'der', (of) => `${base64(of)},${base64(otherClient)}`],
  ['HAProxy, ssl_c_der,base64', 'X-SSL-Client-DER', 'der', base64],
  ['Envoy', 'x-forwarded-client-cert', 'envoy', envoy],
  ['Envoy, Hash alone', 'x-forwarded-client-cert', 'envoy', (of) => `By=spiffe://a;Hash=${hashOf(of)};URI=x`],
  ['Envoy behind Envoy', 'x-forwarded-client-cert', 'envoy', (of) => `${envoy(otherClient)},${envoy(of)}`],
  ['RFC 9440', 'Client-Cert', 'rfc9440', (of) => `:${base64(of)}:`],
];

const cases = platforms.flatMap((platform) =>
  proxies.map(([proxy, header, format, write]) => ({ platform, on: platform.name, proxy, header, format, write })),
);
const wrongBinding = { status: 401, challenge: invalidTokenChallenge('proof'), code: 'INVALID_TOKEN', reason: 'proof' };

describe.each(cases)('a certificate in the header of $proxy, on $on', ({ platform, header, format, write }) => {
  let issuer: TestIssuer;
  let token: string;
  beforeAll(async () => {
    issuer = await startIssuer();
    const cnf = { 'x5t#S256': Buffer.from(client.sha256, 'hex').toString('base64url') };
    token = await issuer.token({ aud: 'api', sub: 'alice', cnf });
  });

  const start = (trustedProxies: readonly string[], logger = new LogLines()) =>
    startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: oidc({ issuer: issuer.url, audience: 'api' }),
          clientCertificate: fromProxyHeader(header, { format, trustedProxies }),
        }),
      ],
      controllers: [CatsController],
      logger,
    });

  it('counts from the proxy, for the client that has it alone', async () => {
    const app = await start(['127.0.0.0/8']);
    const call = (...values: string[]) =>
      app.call('/cats', { token, headers: values.map((value) => [header, value] as const) });
    const answer = await call(write(client));
    expect([answer.status, answer.json]).toEqual([200, { id: 'alice' }]);
    expect(verdictOf(await call(write(otherClient)))).toEqual(wrongBinding);
    expect(verdictOf(await call())).toEqual(wrongBinding);
    expect(verdictOf(await call(write(client), write(client)))).toEqual(wrongBinding);
  });

  it('does not count from elsewhere, whatever else the caller sends, and is warned about once', async () => {
    const logger = new LogLines();
    const app = await start(['10.0.0.0/8', 'fd00::/8'], logger);
    const headers = [
      [header, write(client)],
      ['X-Forwarded-For', '10.0.0.1'],
      ['Forwarded', 'for=10.0.0.1'],
      ['X-Real-IP', '10.0.0.1'],
    ] as const;
    for (let time = 0; time < 3; time += 1) {
      expect(verdictOf(await app.call('/cats', { token, headers }))).toEqual(wrongBinding);
    }
    expect(logger.ours('error').map(({ text }) => text)).toEqual([expect.stringContaining('trustedProxies')]);
  });
});
