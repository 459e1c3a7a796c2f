import type { IncomingMessage } from 'node:http';

import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';

/** The longest body that is accepted, in bytes. */
export const mostBodyBytes = 64 * 1024;

/** A request of Express or Fastify, or Node's own. */
interface RequestWithBody {
  /** What a parser of the app has made of the body. */
  readonly body?: unknown;
  /** Fastify: Node's request. */
  readonly raw?: IncomingMessage & { readonly body?: unknown };
}

/** What a body parser of the app threw, by the request: the route reports it when it reads the body. */
const parserFaults = new WeakMap<object, string>();

/**
 * Keeps what a body parser of Express has thrown, so that `readJsonBody` throws the refusal for it.
 *
 * @returns whether it is an error of a body parser
 */
export function keepParserFault(request: object, error: unknown): boolean {
  const fault = faultOf(request, error);
  if (fault === undefined) return false;
  parserFaults.set(request, fault);
  return true;
}

function faultOf(request: object, error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { type, status } = error as { readonly type?: unknown; readonly status?: unknown };
  if (typeof type === 'string' && /^(?:entity|encoding|charset|request|parameters)\./.test(type)) return type;
  // What cannot be decompressed is thrown as it comes from zlib, without a type.
  return status === 400 && isCompressed(request as IncomingMessage) ? 'encoding.broken' : undefined;
}

/** What a body parser of the app threw for a request: a type of `http-errors`, such as `entity.too.large`. */
export function findParserFault(request: object): string | undefined {
  return parserFaults.get(request);
}

/**
 * Reads the body of a request as a JSON object; `{}` for a request without a body. The app may have parsed it; otherwise it is
 * read here, up to 64 KiB. Express and Fastify give the same results on routes with `@ReadsBody()`.
 *
 * @param request the request of Express or Fastify, as Nest hands it out
 * @throws {RefusalError} 415 for another media type than `application/json`, 413 for a longer body, and `INVALID_INPUT` for
 *   what is not a JSON object.
 */
export async function readJsonBody(request: object): Promise<JsonObject> {
  const { body, raw } = request as RequestWithBody;
  const message = raw ?? (request as IncomingMessage);
  if (!checkLength(message)) return {};
  const fault = parserFaults.get(request);
  if (fault !== undefined) refuseFault(message, fault);
  const parsed = body ?? raw?.body;
  const text = parsed === undefined ? await readText(message) : null;
  if (text === '') return {};
  checkMediaType(message);
  if (text === null) return toObject(parsed);
  return parseObject(text);
}

/** Refuses what need not be read. @returns whether there may be a body; of a chunked one that is known after reading */
function checkLength(message: IncomingMessage): boolean {
  if (message.headers['transfer-encoding'] !== undefined) return true;
  const length = Number(message.headers['content-length'] ?? 0);
  if (length === 0) return false;
  checkMediaType(message);
  if (length > mostBodyBytes) throw tooLarge();
  return true;
}

function checkMediaType(message: IncomingMessage): void {
  if (hasMediaType(message, 'application/json')) return;
  const explanation = 'The body of the request is not application/json in UTF-8, or it is compressed';
  throw RefusalError.mediaType(explanation, 'application/json');
}

/** Whether the body of a request is of a media type, in UTF-8 and not compressed. */
export function hasMediaType(message: IncomingMessage, expected: string): boolean {
  const { headers } = message;
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))?.split('=')[1];
  const isUtf8 = charset === undefined || /^"?utf-?8"?$/.test(charset.trim());
  return type.trim() === expected && isUtf8 && !isCompressed(message);
}

function isCompressed({ headers }: IncomingMessage): boolean {
  return (headers['content-encoding'] ?? 'identity').toLowerCase() !== 'identity';
}

function refuseFault(message: IncomingMessage, fault: string): never {
  checkMediaType(message);
  if (fault === 'entity.too.large') throw tooLarge();
  if (/^(?:encoding|charset)\./.test(fault)) {
    throw RefusalError.mediaType('A body parser of the app does not read the encoding of the body');
  }
  throw notJson();
}

function toObject(parsed: unknown): JsonObject {
  // A parser of the app may be one for texts or for bytes.
  if (typeof parsed === 'string') return parseObject(parsed);
  if (Buffer.isBuffer(parsed)) return parseObject(parsed.toString('utf8'));
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw notJson();
  return parsed as JsonObject;
}

function parseObject(text: string): JsonObject {
  let parsed: unknown;
  try {
    // The parser of Express ignores a byte order mark as well (RFC 8259 §8.1).
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw notJson();
  }
  if (typeof parsed === 'string') throw notJson();
  return toObject(parsed);
}

/** Reads what the app has not parsed, up to `mostBodyBytes`. */
export function readText(message: IncomingMessage): Promise<string> {
  // The client has gone, which is no mistake of the app.
  if (message.readableAborted || message.errored !== null) return Promise.reject(incomplete());
  if (message.readableEnded || message.destroyed) {
    throw new ConfigurationError(
      'the middleware of the app',
      'it has read the body of a request, and request.body is not set',
      'Let it set request.body',
    );
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // The rest is received and dropped, so that the client, which is still sending, gets the answer.
      if (bytes <= mostBodyBytes) chunks.push(chunk);
      else reject(tooLarge());
    });
    message.once('end', () => {
      resolve(Buffer.concat(chunks).toString('utf8'));
    });
    message.once('error', () => {
      reject(incomplete());
    });
    message.once('close', () => {
      // Each request ends with it. The error is only made where it is needed, as that is the expensive part.
      if (!message.readableEnded) reject(incomplete());
    });
  });
}

function tooLarge(): RefusalError {
  return RefusalError.tooLarge(`The body of the request is longer than ${mostBodyBytes} bytes`);
}

function notJson(): RefusalError {
  return RefusalError.input([{ path: '', message: 'A JSON object is expected' }]);
}

function incomplete(): RefusalError {
  return RefusalError.input([{ path: '', message: 'The body ends early' }]);
}

/** The most unknown members of a body that an answer names. */
const mostProblems = 10;

/**
 * A misspelt member would change what the request does without anybody noticing.
 *
 * @throws {RefusalError} for a member that the route does not know.
 */
export function checkMembers(body: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(body).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const message = `there is no such member; known: ${known.join(', ')}`;
  // A name that is no name is not repeated.
  const fields = unknown.slice(0, mostProblems).map((name) => ({ path: /^\w{1,64}$/.test(name) ? name : '', message }));
  throw RefusalError.input(fields);
}
