/** A real SMTP server on loopback, which keeps what it is sent, and a certificate for it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach } from 'vitest';

interface ReceivedMail extends ParsedMail {
  /** The recipients of the envelope (RFC 5321 §3.3), whatever the headers say. */
  readonly recipients: readonly string[];
  readonly envelopeSender: string | undefined;
  /** Whether the connection was encrypted. */
  readonly wasSecure: boolean;
  /** Whom the connection was authenticated as. */
  readonly user: string | undefined;
  readonly usesSmtpUtf8: boolean;
  /** The mail as it was sent. */
  readonly raw: string;
}

export interface MailServer {
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  /** How many connections it has had. */
  readonly connections: number;
  /** How many of them are open. */
  readonly open: number;
  /** Closes all connections, and keeps listening. */
  dropConnections(): void;
}

const running: SMTPServer[] = [];

/** Starts a server that listens until the test ends. It takes mail from anybody, unencrypted, unless options say otherwise. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  let connections = 0;
  const server = new SMTPServer({
    authOptional: true,
    ...(options.key === undefined ? { disabledCommands: ['STARTTLS'] } : {}),
    onConnect: (_session, done) => {
      connections += 1;
      done();
    },
    onData: (stream, { envelope, secure, user }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const raw = Buffer.concat(chunks);
        void simpleParser(raw).then((parsed) => {
          const sender = envelope.mailFrom === false ? undefined : envelope.mailFrom;
          mails.push({
            ...parsed,
            recipients: envelope.rcptTo.map(({ address }) => address),
            envelopeSender: sender?.address,
            wasSecure: secure,
            user: user as string | undefined,
            usesSmtpUtf8: (sender?.args as { SMTPUTF8?: unknown } | undefined)?.SMTPUTF8 === true,
            raw: raw.toString('utf8'),
          });
          done();
        });
      });
    },
    ...options,
  });
  // A client that breaks off during the handshake is an event of the server.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push(server);
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    get connections() {
      return connections;
    },
    get open() {
      return server.connections.size;
    },
    dropConnections: () => {
      for (const connection of server.connections) (connection as { close(): void }).close();
    },
  };
}

/** Creates a key, and a certificate of 127.0.0.1 and localhost that no authority has signed. */
export function createCertificate(): { readonly key: string; readonly cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    const files = ['-keyout', key, '-out', cert];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...subject, ...files], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

afterEach(async () => {
  await Promise.all(
    running.splice(0).map((server) => {
      for (const connection of server.connections) (connection as { close(): void }).close();
      return new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    }),
  );
});
