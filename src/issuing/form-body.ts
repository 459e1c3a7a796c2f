import type { IncomingMessage } from 'node:http';

import { RefusalError } from '../errors/auth-error.js';
import { findParserFault, hasMediaType, mostBodyBytes, readText } from './request-body.js';

/** The parameters of a form: every value under a name, in the order of arrival. */
export type FormBody = ReadonlyMap<string, readonly string[]>;

/** A request of Express or Fastify, or Node's own. */
interface RequestWithForm {
  /** What a parser of the app has made of the body. */
  readonly body?: unknown;
  /** Fastify: Node's request. */
  readonly raw?: IncomingMessage & { readonly body?: unknown };
}

/** More than any request has that is defined. */
const mostParameters = 64;

/**
 * Reads the body of a request as a form (`application/x-www-form-urlencoded` in UTF-8). The app may have parsed it; otherwise it is
 * read here, up to 64 KiB. Express and Fastify give the same results on routes of `AdapterRoutes`, and on those with `@ReadsBody()`.
 *
 * @param request the request of Express or Fastify, or Node's own
 * @throws {RefusalError} `INVALID_REQUEST` for another media type, for nested parameters and for more than 64; with status 413 for a
 *   longer body.
 */
export async function readFormBody(request: object): Promise<FormBody> {
  const { body, raw } = request as RequestWithForm;
  const message = raw ?? (request as IncomingMessage);
  checkForm(message);
  const parsed = body ?? raw?.body;
  const read = fromParsed(parsed) ?? parse(toText(parsed) ?? (await readText(message)));
  let count = 0;
  for (const values of read.values()) count += values.length;
  if (count > mostParameters) throw tooMany();
  return read;
}

function checkForm(message: IncomingMessage): void {
  if (!hasMediaType(message, 'application/x-www-form-urlencoded')) {
    throw malformed('The body is not application/x-www-form-urlencoded in UTF-8, or it is compressed');
  }
  const fault = findParserFault(message);
  if (fault === 'entity.too.large' || Number(message.headers['content-length'] ?? 0) > mostBodyBytes) {
    throw RefusalError.tooLarge(`The body of the request is longer than ${mostBodyBytes} bytes`);
  }
  if (fault !== undefined) throw malformed(`A body parser of the app refused it: ${fault}`);
}

/** What a parser of the app has made an object of; `null` for anything else. */
function fromParsed(body: unknown): FormBody | null {
  return typeof body === 'object' && body !== null && !Buffer.isBuffer(body) ? fromObject(body) : null;
}

function toText(body: unknown): string | null {
  if (typeof body === 'string') return body;
  return Buffer.isBuffer(body) ? body.toString('utf8') : null;
}

/** Reads what a parser of the app has made of a form: a repeated name has a list, and `a[b]` an object. */
function fromObject(body: object): FormBody {
  const entries = Object.entries(body).map(([name, value]): readonly [string, readonly string[]] => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    // Express makes a list of one value of `a[]` alone.
    const isNested = name.includes('[') || (Array.isArray(value) && value.length < 2);
    if (isNested || !values.every((one) => typeof one === 'string')) throw nested();
    return [name, values];
  });
  return new Map(entries);
}

/** RFC 6749 Appendix B. */
function parse(text: string): FormBody {
  const form = new Map<string, string[]>();
  const pairs = text.split('&').filter((pair) => pair !== '');
  // Before any of them is decoded, so that a long body of many parameters costs no more than finding its separators.
  if (pairs.length > mostParameters) throw tooMany();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = decodeFormText(at === -1 ? pair : pair.slice(0, at));
    const value = decodeFormText(at === -1 ? '' : pair.slice(at + 1));
    if (name === null || value === null) throw malformed('It has a "%" that begins no character');
    if (name.includes('[')) throw nested();
    const known = form.get(name);
    if (known === undefined) form.set(name, [value]);
    else known.push(value);
  }
  return form;
}

/** Decodes a name or a value of a form; `null` where it is not encoded as one. */
export function decodeFormText(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

function tooMany(): RefusalError {
  return malformed(`It has more than ${mostParameters} parameters`);
}

function nested(): RefusalError {
  return malformed('It has nested parameters');
}

function malformed(explanation: string): RefusalError {
  return RefusalError.of('INVALID_REQUEST', explanation);
}
