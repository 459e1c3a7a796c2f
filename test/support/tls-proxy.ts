/** A proxy that ends TLS and strips the path that it has for an app, as a path rule of an ingress does. */
import { once } from 'node:events';
import { type IncomingMessage, request as requestOverHttp, type ServerResponse } from 'node:http';
import { createServer, request as requestOverTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { client } from '../vectors/client-certificates.js';
import { endAfterwards } from './app.js';

export interface TlsProxy {
  /** Its origin, by https. */
  readonly url: string;
  /** @param app the origin of the app behind it */
  forwardTo(app: string): void;
}

export async function startTlsProxy(path: string): Promise<TlsProxy> {
  let target = '';
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method, url = '/', rawHeaders } = incoming;
    if (!url.startsWith(`${path}/`)) {
      outgoing.writeHead(404).end();
      return;
    }
    const sent = requestOverHttp(new URL(url.slice(path.length), target), { method, headers: rawHeaders }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    sent.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(sent);
  };
  const server = createServer({ key: client.key, cert: client.cert }, forward);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endAfterwards(async () => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    forwardTo: (app) => {
      target = app;
    },
  };
}

/** The status of a GET over TLS. Its certificate is one of the tests, which nobody has signed. */
export async function callProxy(url: string, headers: readonly (readonly [string, string])[]): Promise<number> {
  const { host } = new URL(url);
  const sent = requestOverTls(url, {
    agent: false,
    rejectUnauthorized: false,
    headers: [['Host', host], ...headers].flat(),
  });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode ?? 0;
}
