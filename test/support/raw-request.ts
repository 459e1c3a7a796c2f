/** Sends bytes as they are, as no HTTP client does, and waits for the whole answer. */
import { connect } from 'node:net';

export interface RawRequest {
  readonly method: string;
  readonly path: string;
  /** Header lines in Latin-1, without `Host` and `Content-Length`. */
  readonly headers?: readonly string[];
  readonly body?: Buffer;
  /** Sends the body in chunks of this size. */
  readonly chunkSize?: number;
  /** Ends the connection after so many bytes of the body. */
  readonly cutAt?: number;
}

/** @returns the status; 0 when the server closed the connection without an answer. Rejects after ten seconds of silence. */
export async function sendRaw(url: string, request: RawRequest): Promise<{ status: number; text: string }> {
  const { hostname, port, host } = new URL(url);
  const { method, path, headers = [], body = Buffer.alloc(0), chunkSize, cutAt } = request;
  const length = chunkSize === undefined ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked';
  const isWithoutBody = method === 'GET' || (method === 'DELETE' && body.length === 0);
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers];
  const head = [...lines, ...(isWithoutBody ? [] : [length]), '', ''].join('\r\n');
  const sent = isWithoutBody ? Buffer.alloc(0) : chunkSize === undefined ? body : inChunks(body, chunkSize);
  const socket = connect(Number(port), hostname);
  const received: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.setTimeout(10_000, () => {
      reject(new Error(`No answer to ${method} ${path} ${headers.join(', ')}`));
      socket.destroy();
    });
    socket.on('data', (data) => received.push(data));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const text = Buffer.concat(received).toString('latin1');
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
    });
    socket.write(head, 'latin1');
    socket.write(cutAt === undefined ? sent : sent.subarray(0, cutAt));
    if (cutAt !== undefined) setImmediate(() => socket.destroy());
  });
}

function inChunks(body: Buffer, size: number): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}
