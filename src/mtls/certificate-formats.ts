import { createHash, X509Certificate } from 'node:crypto';

/** How a proxy writes the certificate of its client into a header. */
export type CertificateFormat = 'pem' | 'der' | 'rfc9440' | 'envoy';

/** The thumbprint of the certificate in the value of a header; `null` when there is none that can be read. */
type ReadThumbprint = (value: string) => string | null;

/** The reader of each format. A value in another form is none: a proxy that is configured otherwise must not let anybody in. */
export const certificateFormats: Readonly<Record<CertificateFormat, ReadThumbprint>> = {
  pem: (value) => thumbprintOfPem(decodePercent(value)),
  // Traefik writes the chain, separated by commas, and the client's own certificate first. Some of its versions encode the value.
  der: (value) => thumbprintOfBase64(decodePercent(value)?.split(',')[0]),
  // RFC 9440 §2.1: a byte sequence of RFC 8941, which is base64 between colons.
  rfc9440: (value) => thumbprintOfBase64(/^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1]),
  envoy: thumbprintOfEnvoy,
};

/** The thumbprint of a certificate as `cnf['x5t#S256']` has it (RFC 8705 §3.1). */
function toThumbprint(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}

/** nginx and AWS encode the whole text, and leave `+`, `/` and `=` as they are, so it is not the encoding of forms. */
function decodePercent(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}

/** The first certificate of a text in PEM, which is the client's own where a chain follows. A header has blanks in the place of line ends. */
function thumbprintOfPem(text: string | null): string | null {
  const [, body] = /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(text ?? '') ?? [];
  return thumbprintOfBase64(body?.replaceAll(/\s/g, ''));
}

function thumbprintOfBase64(text: string | undefined): string | null {
  if (text === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return null;
  try {
    // Read as a certificate, so that nothing else can have a thumbprint.
    return toThumbprint(new X509Certificate(Buffer.from(text, 'base64')).raw);
  } catch {
    return null;
  }
}

/**
 * `X-Forwarded-Client-Cert`: an element for each proxy that the request has passed, the nearest one last. An element has the certificate
 * (`Cert`) or its hash (`Hash`), by the configuration of Envoy.
 */
function thumbprintOfEnvoy(value: string): string | null {
  const fields = readLastElement(value);
  if (fields === null) return null;
  const { cert, hash } = fields;
  const ofHash =
    hash !== undefined && /^[\da-f]{64}$/i.test(hash) ? Buffer.from(hash, 'hex').toString('base64url') : null;
  if (cert === undefined) return ofHash;
  const ofCert = thumbprintOfPem(decodePercent(cert));
  return hash === undefined || ofHash === ofCert ? ofCert : null;
}

/** A name and a value, in quotes where it has separators in it, and what separates it from the next one. */
const field = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^";,]*))(;|,|$)/y;

/** The fields of the last element, by their names in lower case; `null` for a malformed value, or one with two certificates or hashes. */
function readLastElement(value: string): Readonly<Record<string, string>> | null {
  const fields = readFields(value);
  if (fields === null) return null;
  const start = fields.findLastIndex(({ next }, at) => next === ',' && at < fields.length - 1) + 1;
  const element = fields.slice(start).map(({ name, text }) => [name.toLowerCase(), text] as const);
  // A client has several names (URI, DNS), and one certificate.
  const isTwice = ['cert', 'hash'].some((name) => element.filter(([known]) => known === name).length > 1);
  return isTwice ? null : Object.fromEntries(element);
}

interface Field {
  readonly name: string;
  readonly text: string;
  /** What follows: `;` another field, `,` another element, nothing the end. */
  readonly next: string;
}

function readFields(value: string): readonly Field[] | null {
  const fields: Field[] = [];
  field.lastIndex = 0;
  while (field.lastIndex < value.length) {
    const found = field.exec(value);
    if (found === null) return null;
    const [, name = '', quoted, plain = '', next = ''] = found;
    fields.push({ name, text: quoted?.replaceAll(/\\(.)/g, '$1') ?? plain, next });
  }
  return fields.at(-1)?.next === '' ? fields : null;
}
