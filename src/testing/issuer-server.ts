import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type IssuerFault, issuerFaults, sendFault } from './issuer-fault.js';

/** The kinds of document that an issuer serves. A fault can be limited to one of them. */
export type IssuerDocumentKind = 'jwks' | 'discovery' | 'introspection' | 'userinfo';

/** All kinds. A fault applies to all of them by default. */
export const documentKinds = [
  'jwks',
  'discovery',
  'introspection',
  'userinfo',
] as const satisfies readonly IssuerDocumentKind[];

/** A request to the issuer. */
export interface IssuerRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The fields of a posted form. */
  readonly form: URLSearchParams;
}

/** The issuer's response. */
export interface IssuerReply {
  readonly status: number;
  /** A text is sent as it is, and needs a `content-type` in `headers`. */
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The document that the issuer serves at one path. */
export interface IssuerDocument {
  /** A page is for a person: it is not counted, and faults do not concern it. */
  readonly kind: IssuerDocumentKind | 'page';
  /** Without it, and without `reply`, the path is counted and answers 404. */
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Creates the response from the request, instead of `body` and `headers`. */
  readonly reply?: (request: IssuerRequest) => IssuerReply | Promise<IssuerReply>;
  /** @defaultValue ['GET', 'HEAD'] */
  readonly methods?: readonly string[];
  readonly delayMs?: number | undefined;
}

/** Counts the requests that a `TestIssuer` has received since it started, including those that a fault answered. */
export interface IssuerRequests {
  /** Requests for the key set. */
  readonly jwks: number;
  /** Requests for a discovery document of OpenID Connect or RFC 8414, including those answered with 404. */
  readonly discovery: number;
  /** Introspection requests (RFC 7662), including refused ones. */
  readonly introspection: number;
  /** Userinfo requests, including refused ones. */
  readonly userinfo: number;
  /** All requests. */
  readonly total: number;
}

type DocumentFinder = (path: string) => IssuerDocument | undefined;

const elsewhere = '/elsewhere';

/** The HTTP server of a test issuer: serves documents, counts requests and simulates faults. */
export class IssuerServer {
  readonly #find: DocumentFinder;
  readonly #server = createServer((request, response) => {
    this.#serve(request, response);
  });
  readonly #counts = { jwks: 0, discovery: 0, introspection: 0, userinfo: 0, total: 0 };
  readonly #faults = new Map<IssuerDocumentKind, IssuerFault>();
  readonly #delayed = new Set<NodeJS.Timeout>();

  constructor(find: DocumentFinder) {
    this.#find = find;
  }

  get requests(): IssuerRequests {
    return { ...this.#counts };
  }

  /** Listens on 127.0.0.1 only. @returns the port */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
    // The server must not keep the process of a test alive that forgets to stop it.
    this.#server.unref();
    return (this.#server.address() as AddressInfo).port;
  }

  fail(fault: IssuerFault, kinds: readonly IssuerDocumentKind[]): void {
    if (!issuerFaults.includes(fault)) {
      throw new TypeError(`TestIssuer: no fault ${JSON.stringify(fault)}; choose one of ${issuerFaults.join(', ')}`);
    }
    for (const kind of kinds) {
      this.#faults.set(kind, fault);
    }
  }

  recover(): void {
    this.#faults.clear();
  }

  /** Closes the server and all open connections at once. */
  async close(): Promise<void> {
    if (!this.#server.listening) {
      return;
    }
    for (const timer of this.#delayed) {
      clearTimeout(timer);
    }
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const moved = path.startsWith(elsewhere);
    const document = this.#find(moved ? path.slice(elsewhere.length) : path);
    this.#counts.total += 1;
    if (document !== undefined && document.kind !== 'page') {
      this.#counts[document.kind] += 1;
    }
    const answer = (): void => {
      const fault = document && document.kind !== 'page' && !moved ? this.#faults.get(document.kind) : undefined;
      if (document === undefined || fault === undefined) {
        // Sending fails when the client closes the connection early, which is not an error of the issuer.
        send(request, response, document).catch(() => undefined);
        return;
      }
      const body = JSON.stringify(document.body ?? {});
      const emptyBody = document.kind === 'jwks' ? '{"keys":[]}' : '{}';
      sendFault(fault, { response, body, emptyBody, elsewhere: `${elsewhere}${path}` });
    };
    this.#after(document?.delayMs ?? 0, answer);
  }

  #after(delayMs: number, act: () => void): void {
    if (delayMs <= 0) {
      act();
      return;
    }
    const timer = setTimeout(() => {
      this.#delayed.delete(timer);
      act();
    }, delayMs);
    this.#delayed.add(timer);
  }
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  document: IssuerDocument | undefined,
): Promise<void> {
  if (document === undefined || (document.body === undefined && document.reply === undefined)) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found');
    return;
  }
  const { methods = ['GET', 'HEAD'] } = document;
  if (!methods.includes(request.method ?? '')) {
    response.writeHead(405, { allow: methods.join(', ') }).end();
    return;
  }
  const { status, body, headers } = await replyOf(document, request);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

async function replyOf(
  { body = {}, headers = {}, reply }: IssuerDocument,
  request: IncomingMessage,
): Promise<IssuerReply> {
  if (reply === undefined) return { status: 200, body, headers };
  const { method = 'GET' } = request;
  return reply({ method, headers: request.headers, form: new URLSearchParams(await text(request)) });
}

/** The metadata of an issuer (OpenID Connect Discovery §3, RFC 8414 §2). */
export function metadataOf(url: string, jwksUri: string, algorithm: string): object {
  return {
    issuer: url,
    jwks_uri: jwksUri,
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    userinfo_endpoint: `${url}/userinfo`,
    introspection_endpoint: `${url}/introspect`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [algorithm],
  };
}
