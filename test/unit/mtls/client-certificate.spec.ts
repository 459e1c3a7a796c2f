import { describe, expect, it } from 'vitest';
import { certificateFormats } from '../../../src/mtls/certificate-formats.js';
import { ClientCertificates, fromProxyHeader } from '../../../src/mtls/client-certificate.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import { errorOf } from '../../support/outcome.js';
import { client, otherClient } from '../../vectors/client-certificates.js';

const thumbprint = Buffer.from(client.sha256, 'hex').toString('base64url');
const base64 = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, '');
const der = base64(client.cert);
const otherDer = base64(otherClient.cert);
const escaped = encodeURIComponent(client.cert);

describe('the certificate in a header', () => {
  it.each([
    ['nginx, $ssl_client_escaped_cert', 'pem', escaped],
    ['AWS ALB, which leaves + = / alone', 'pem', escaped.replaceAll(/%2B|%3D|%2F/g, decodeURIComponent)],
    ['AWS ALB, the whole chain', 'pem', escaped + encodeURIComponent(otherClient.cert)],
    ['nginx, $ssl_client_cert', 'pem', client.cert.trim().replaceAll('\n', ' ')],
    ['tabs in the place of line ends', 'pem', client.cert.trim().replaceAll('\n', '\t')],
    ['Traefik', 'der', der],
    ['Traefik, escaped', 'der', encodeURIComponent(der)],
    ['Traefik, the chain', 'der', `${der},${otherDer}`],
    ['HAProxy', 'der', der],
    ['RFC 9440', 'rfc9440', `:${der}:`],
    ['Envoy, Cert', 'envoy', `Hash=${client.sha256};Cert="${escaped}";Subject="CN=client,O=\\"a;b\\"";URI=`],
    ['Envoy, Hash alone', 'envoy', `By=spiffe://a/b;Hash=${client.sha256.toUpperCase()};URI=x;URI=y`],
    [
      'Envoy, the last element',
      'envoy',
      `Hash=${'0'.repeat(64)};Cert="${encodeURIComponent(otherClient.cert)}",Hash=${client.sha256}`,
    ],
  ] as const)('is read as %s writes it', (_, format, value) => {
    expect(certificateFormats[format](value)).toBe(thumbprint);
  });

  it.each([
    ['pem', ''],
    ['pem', der],
    ['pem', `:${der}:`],
    ['pem', '%E0%A4%A'],
    ['pem', encodeURIComponent(`x${client.cert}`)],
    ['pem', encodeURIComponent(client.cert.replace('CERTIFICATE', 'PUBLIC KEY'))],
    ['pem', '-----BEGIN CERTIFICATE----- AAAA -----END CERTIFICATE-----'],
    ['pem', '(null)'],
    ['der', ''],
    ['der', ','],
    ['der', `,${der}`],
    ['der', `:${der}:`],
    ['der', 'AAAA'],
    ['der', `${der}!`],
    ['der', escaped],
    ['rfc9440', der],
    ['rfc9440', `:${der}`],
    ['rfc9440', '::'],
    ['rfc9440', `:${der}:, :${der}:`],
    ['rfc9440', `:${der}:;a=1`],
    ['rfc9440', ':AAAA:'],
    ['envoy', ''],
    ['envoy', client.sha256],
    ['envoy', `Hash=${client.sha256},`],
    ['envoy', `Hash=${client.sha256},By=x`],
    ['envoy', `Hash=${client.sha256};Hash=${client.sha256}`],
    ['envoy', `Cert="${escaped}";Cert="${escaped}"`],
    ['envoy', `Hash=${'0'.repeat(64)};Cert="${escaped}"`],
    ['envoy', `Hash=${client.sha256.slice(1)}`],
    ['envoy', `Cert="${escaped}`],
    ['envoy', `Subject="Hash=${client.sha256}"`],
    ['envoy', `Subject="x\\",Hash=${client.sha256}"`],
  ] as const)('is none where %s is %j', (format, value) => {
    expect(certificateFormats[format](value)).toBeNull();
  });
});

function judge(
  rawHeaders: readonly string[],
  remoteAddress: string | undefined,
  trustedProxies = ['10.0.0.0/8', 'fd00::/8'],
) {
  const events: AuthEvent[] = [];
  const source = fromProxyHeader('X-Client-Cert', { format: 'der', trustedProxies });
  const certificates = new ClientCertificates(source, (event) => events.push(event));
  const headers: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers[(rawHeaders[at] ?? '').toLowerCase()] = rawHeaders[at + 1] ?? '';
  const request = viewHttpRequest({ headers, rawHeaders, method: 'GET', url: '/', socket: { remoteAddress } });
  return {
    events,
    judge: () =>
      errorOf(
        Promise.resolve().then(() => {
          certificates.check(thumbprint, request);
        }),
      ),
  };
}

describe('the header of a proxy', () => {
  it.each(['10.1.2.3', '::ffff:10.1.2.3', 'fd00::1', 'fd00::1%eth0'])('counts from %s', async (address) => {
    const stand = judge(['X-Client-Cert', der], address);
    expect(await stand.judge()).toBeUndefined();
    expect(stand.events).toEqual([]);
  });

  it.each(['11.0.0.1', '::1', '::ffff:11.0.0.1', 'fe80::1%eth0', '', undefined])(
    'is ignored from %s, and warned about once',
    async (address) => {
      const forged = ['X-Client-Cert', der, 'X-Forwarded-For', '10.0.0.1', 'Forwarded', 'for=10.0.0.1'];
      const stand = judge(forged, address);
      for (let time = 0; time < 2; time += 1)
        expect(await stand.judge()).toMatchObject({ code: 'INVALID_TOKEN', reason: 'proof' });
      expect(stand.events).toMatchObject([
        { type: 'misconfigured', fix: expect.stringContaining('trustedProxies') as string },
      ]);
    },
  );

  it('is ignored where it is there twice', async () => {
    const stand = judge(['X-Client-Cert', der, 'x-client-cert', der], '10.0.0.1');
    expect(await stand.judge()).toMatchObject({ code: 'INVALID_TOKEN', reason: 'proof' });
    expect(stand.events).toMatchObject([{ problem: expect.stringContaining('more than once') as string }]);
  });

  it('does not pass with another certificate, or without one', async () => {
    expect((await judge(['X-Client-Cert', otherDer], '10.0.0.1').judge())?.explanation).toContain('came with');
    expect((await judge([], '10.0.0.1').judge())?.explanation).toContain('x-client-cert');
  });

  it.each([
    ['x-client-cert', { format: 'der', trustedProxies: [] }],
    ['x-client-cert', { format: 'der' }],
    ['x-client-cert', { trustedProxies: ['10.0.0.1'] }],
    ['x-client-cert', { format: 'jks', trustedProxies: ['10.0.0.1'] }],
    ['x-client-cert', { format: 'der', trustedProxies: ['0.0.0.0/0'] }],
    ['x-client-cert', { format: 'der', trustedProxies: ['::/0'] }],
    ['x-client-cert', { format: 'der', trustedProxies: ['10.0.0.0/33'] }],
    ['x-client-cert', { format: 'der', trustedProxies: ['proxy.example'] }],
    ['x-client-cert', { format: 'der', trustedProxies: '10.0.0.1' }],
    ['authorization', { format: 'der', trustedProxies: ['10.0.0.1'] }],
    ['x client', { format: 'der', trustedProxies: ['10.0.0.1'] }],
  ])('is a mistake of configuration as fromProxyHeader(%j, %j)', (header, options) => {
    expect(() => fromProxyHeader(header, options as never)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION_ERROR' }),
    );
  });
});
