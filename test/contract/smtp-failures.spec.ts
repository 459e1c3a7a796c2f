/** Servers that refuse mails, are slow or gone, and the connections to them. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readSmtpTerms } from '../../src/accounts/smtp.js';
import { someMail } from '../support/account-mail.js';
import { freePort } from '../support/free-port.js';
import { startMailServer } from '../support/mail-server.js';
import { failureOf, from, senderTo, senderWith } from '../support/smtp-senders.js';

const rawServers: Server[] = [];

/** A server that speaks as a test lets it. */
async function startRawServer(onConnection: (socket: Socket) => void): Promise<{ port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  rawServers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port };
}

afterEach(() => {
  for (const server of rawServers.splice(0)) server.close();
});

describe('a failure', () => {
  it('of a server that is down is one of the connection', async () => {
    const { code, responseCode } = await failureOf(senderTo({ port: await freePort() }));
    expect(code).toMatch(/^(ECONNREFUSED|ESOCKET)$/);
    expect(responseCode).toBeNull();
  });

  it.each([550, 451])(
    'of a recipient that is refused has the %i of the server alone, and others get their mail',
    async (reply) => {
      const server = await startMailServer({
        onRcptTo: ({ address }, _session, done) => {
          const refusal = Object.assign(new Error(`<${address}> is unknown here`), { responseCode: reply });
          done(address.startsWith('eve') ? refusal : null);
        },
      });
      const sender = senderTo(server);
      const refused = await failureOf(sender, someMail({ to: 'eve@example.com' }));
      expect(refused).toMatchObject({ code: 'EENVELOPE', responseCode: reply });
      expect(refused.message).toBe(`The mail was not sent (EENVELOPE, ${reply})`);
      await sender.send(someMail());
      expect(server.mails.map(({ recipients }) => recipients)).toEqual([['ada@example.com']]);
    },
  );

  it('of a mail that is refused has the number of the server', async () => {
    const server = await startMailServer({
      onData: (stream, { envelope }, done) => {
        stream.resume().on('end', () => {
          const [recipient] = envelope.rcptTo;
          done(Object.assign(new Error(`Spam for ${recipient?.address}`), { responseCode: 554 }));
        });
      },
    });
    expect(await failureOf(senderTo(server))).toMatchObject({ code: 'EMESSAGE', responseCode: 554 });
  });

  it.each([
    ['does not greet', 'smtp', { greetingTimeout: 100 }, ''],
    ['does not answer', 'smtp', { socketTimeout: 100 }, '220 slow.example ESMTP\r\n'],
    ['does not finish a handshake', 'smtps', { connectionTimeout: 100 }, ''],
  ])('of a server that %s comes in time', async (_, scheme, timeouts, greeting) => {
    const server = await startRawServer((socket) => socket.write(greeting));
    expect(readSmtpTerms('smtp://mail.example.com', { from }).transport).toMatchObject({
      connectionTimeout: 10_000,
      greetingTimeout: 10_000,
      socketTimeout: 20_000,
    });
    const { code } = await failureOf(senderWith(`${scheme}://127.0.0.1:${server.port}`, timeouts));
    expect(code).toBe('ETIMEDOUT');
  });

  it('of a server that speaks no SMTP, or hangs up, is one too', async () => {
    const greetings = ['HTTP/1.1 400 ada@example.com 482913\r\n\r\n', '421 busy, ada@example.com\r\n', null];
    const codes: unknown[] = [];
    for (const greeting of greetings) {
      const server = await startRawServer((socket) => (greeting === null ? socket.end() : socket.end(greeting)));
      const { code, responseCode } = await failureOf(senderTo(server));
      codes.push([code, responseCode]);
    }
    expect(codes).toEqual([
      ['EPROTOCOL', null],
      ['EPROTOCOL', 421],
      ['ECONNECTION', null],
    ]);
  });
});

describe('connections', () => {
  it('are kept for the next mails: one after another use one, 20 at once at most 5', async () => {
    const server = await startMailServer();
    const sender = senderTo(server);
    for (let count = 0; count < 20; count += 1) await sender.send(someMail());
    expect([server.mails.length, server.connections]).toEqual([20, 1]);
    await Promise.all(Array.from({ length: 20 }, (_, at) => sender.send(someMail({ to: `user-${at}@example.com` }))));
    expect(server.connections).toBeLessThanOrEqual(5);
    const recipients = server.mails.slice(20).map((mail) => mail.recipients.join());
    expect(new Set(recipients).size).toBe(20);
  });

  it('that the server has closed are replaced', async () => {
    const server = await startMailServer();
    const sender = senderTo(server);
    await sender.send(someMail());
    server.dropConnections();
    await sender.send(someMail());
    expect([server.mails.length, server.connections]).toEqual([2, 2]);
  });

  it('are closed when the app shuts down, and opened again for an app that uses the same sender', async () => {
    const server = await startMailServer();
    const sender = senderTo(server);
    await sender.send(someMail());
    expect(server.open).toBe(1);
    await sender.close?.();
    await expect.poll(() => server.open).toBe(0);
    await sender.close?.();
    await sender.send(someMail());
    expect(server.mails).toHaveLength(2);
  });
});
