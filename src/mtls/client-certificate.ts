import { BlockList, isIP } from 'node:net';
import { inspect } from 'node:util';

import { path, readChoice, readOptions } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { HttpRequest, RequestView } from '../request/request-view.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { type CertificateFormat, certificateFormats } from './certificate-formats.js';

/** Where a proxy that ends TLS writes the certificate of its client. */
export interface ProxyHeaderOptions {
  /**
   * - `'pem'`: PEM, with percent-encoding or with blanks in the place of line ends: nginx (`$ssl_client_escaped_cert`), AWS ALB.
   * - `'der'`: base64 of the DER form: Traefik, HAProxy.
   * - `'rfc9440'`: base64 between colons, as in `Client-Cert` (RFC 9440).
   * - `'envoy'`: `X-Forwarded-Client-Cert` with `Cert` or `Hash`; the last element counts.
   */
  readonly format: CertificateFormat;
  /**
   * The addresses of the proxies, as CIDR (`'10.0.0.0/8'`, `'fd00::/8'`) or single ones. What counts is who has opened the connection to
   * this app; `X-Forwarded-For` does not. The proxy has to remove the header from what its clients send.
   */
  readonly trustedProxies: readonly string[];
}

/** What `fromProxyHeader` gives, for `AuthModule.forRoot({ clientCertificate })`. */
export interface ClientCertificateSource {
  /** The name of the header, in lower case. */
  readonly header: string;
  readonly format: CertificateFormat;
  readonly trustedProxies: readonly string[];
}

const brand = Symbol.for('nest-gatehouse.client-certificate-source');
const option = 'fromProxyHeader';
const formats = ['pem', 'der', 'rfc9440', 'envoy'] as const;

/**
 * Reads the certificate of the client from a header, for an app behind a proxy that ends TLS: tokens that are bound to a certificate
 * (`cnf['x5t#S256']`, RFC 8705 §3) pass together with it.
 *
 * The header is read only of requests whose connection comes from `trustedProxies`, and only if it is there once. All others are judged by
 * the certificate of their own connection to this app, if there is one.
 *
 * ```ts
 * clientCertificate: fromProxyHeader('x-client-cert', { format: 'pem', trustedProxies: ['10.0.0.0/8'] })
 * ```
 *
 * @throws {ConfigurationError} for a header that has another meaning, an unknown format, and for anything but addresses.
 */
export function fromProxyHeader(header: string, options: ProxyHeaderOptions): ClientCertificateSource {
  const given = readOptions(option, options, ['format', 'trustedProxies']);
  if (given['format'] === undefined) {
    throw new ConfigurationError(path(option, 'format'), 'it is missing', `Write one of ${formats.join(', ')}`);
  }
  const source = {
    header: readHeaderName(header),
    format: readChoice(option, given, 'format', formats, 'pem'),
    trustedProxies: readTrustedProxies(given['trustedProxies']),
  };
  return Object.freeze(Object.defineProperty(source, brand, { value: true }));
}

/** @throws {ConfigurationError} for anything but what `fromProxyHeader` gives */
export function readClientCertificateSource(where: string, given: unknown): ClientCertificateSource | null {
  if (given === undefined) return null;
  if (typeof given === 'object' && given !== null && brand in given) return given as object as ClientCertificateSource;
  throw new ConfigurationError(
    where,
    'it is not the result of fromProxyHeader',
    "Write fromProxyHeader('x-client-cert', { format: 'pem', trustedProxies: ['10.0.0.0/8'] })",
  );
}

function readHeaderName(given: unknown): string {
  const name = typeof given === 'string' ? given.toLowerCase() : '';
  const isTaken = ['authorization', 'cookie', 'dpop', 'host'].includes(name);
  if (/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && !isTaken) return name;
  throw new ConfigurationError(option, 'the name of a header of its own is expected', "Write 'x-client-cert'");
}

function readTrustedProxies(given: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [];
  const wrong = list.find((each) => !isProxyRange(each));
  if (list.length > 0 && wrong === undefined) return Object.freeze(list.map(String));
  throw new ConfigurationError(
    path(option, 'trustedProxies'),
    list.length === 0
      ? 'it is missing or empty, so no header would ever count'
      : `${inspect(wrong)} is not the address of a proxy, or is everybody's`,
    "Write the addresses that the proxies connect from: ['10.0.0.0/8', 'fd00::/8']",
  );
}

/** An address, or a range of them that is smaller than all. */
function isProxyRange(given: unknown): boolean {
  if (typeof given !== 'string') return false;
  const [address = '', prefix, ...others] = given.split('/');
  const version = isIP(address);
  if (version === 0 || others.length > 0 || address.includes('%')) return false;
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

function openRanges(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = familyOf(address);
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** The part of Node's TLS socket that is used. */
interface Connection {
  readonly remoteAddress?: string | undefined;
  readonly getPeerX509Certificate?: () => { readonly fingerprint256: string } | undefined;
}

/** Checks that requests come with the client certificate that their token is bound to (RFC 8705 §3). */
export class ClientCertificates {
  private readonly proxies: BlockList | null;
  private hasWarned = false;

  constructor(
    /** `null`: only the certificate of the connection itself counts. */
    private readonly source: ClientCertificateSource | null,
    private readonly report: ReportEvent,
  ) {
    this.proxies = source === null ? null : openRanges(source.trustedProxies);
  }

  /**
   * Possession is proven by the TLS handshake of the connection, here or at the proxy. Who has signed the certificate, and whether it has
   * expired, is a matter of whoever ends TLS: the client was known to the issuer by this certificate.
   *
   * @throws {RefusalError} reason `proof`, without the certificate or with another one
   */
  readonly check = (thumbprint: string, request: RequestView): void => {
    const found = this.find(request);
    if (found === thumbprint) return;
    const expected = `The token is bound to the client certificate ${JSON.stringify(thumbprint)} (cnf["x5t#S256"])`;
    throw RefusalError.binding(
      found === null ? `${expected}, and ${this.describeMissing()}` : `${expected}, and the request came with ${found}`,
    );
  };

  /** The thumbprint of the certificate that the request came with; `null` without one. */
  private find(request: RequestView): string | null {
    const sent = request.upgrade ?? request;
    const { raw, socket }: HttpRequest = sent.request;
    const connection = (raw?.socket ?? socket ?? {}) as Connection;
    const { source, proxies } = this;
    if (source === null || proxies === null) return thumbprintOf(connection);
    const values = sent.headers(source.header);
    if (isWithin(proxies, connection.remoteAddress)) return this.readHeader(source, values);
    if (values.length > 0) this.warn('the request did not come from one of trustedProxies');
    return thumbprintOf(connection);
  }

  /** The connection itself does not count: it is the proxy's, and so is a certificate that it shows. */
  private readHeader({ format }: ClientCertificateSource, [value, ...others]: readonly string[]): string | null {
    if (others.length > 0) this.warn('it was there more than once');
    return value === undefined || others.length > 0 ? null : certificateFormats[format](value.trim());
  }

  /** Once, because anybody can send the header. */
  private warn(why: string): void {
    if (this.hasWarned || this.source === null) return;
    this.hasWarned = true;
    this.report({
      type: 'misconfigured',
      problem: `The header ${this.source.header}, which is meant for the certificate of the client, was ignored: ${why}`,
      fix: 'If it came from your proxy, let trustedProxies of fromProxyHeader name its address, and let it replace what its clients send. Otherwise somebody has tried to forge it',
    });
  }

  private describeMissing(): string {
    const { source } = this;
    return source === null
      ? 'the connection has none. Let the TLS server request it (requestCert); behind a proxy that ends TLS, set AuthModule.forRoot({ clientCertificate: fromProxyHeader(…) })'
      : `neither ${source.header}, of a trusted proxy and in the format ${source.format}, nor the connection has one`;
  }
}

function isWithin(ranges: BlockList, address: string | undefined): boolean {
  const [plain = ''] = (address ?? '').split('%');
  return isIP(plain) !== 0 && ranges.check(plain, familyOf(plain));
}

function thumbprintOf(connection: Connection): string | null {
  if (typeof connection.getPeerX509Certificate !== 'function') return null;
  const certificate = connection.getPeerX509Certificate();
  return certificate === undefined
    ? null
    : Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}
