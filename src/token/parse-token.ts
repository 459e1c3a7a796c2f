import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import { decodeBase64Url, decodeBase64UrlText, isPlain, detachedString } from './base64url.js';
import { parseJsonObject, type JsonObject } from './json-object.js';
import type { TokenHeader } from './verified-token.js';

/** The most that is looked at. A token longer than this does not fit into most servers' headers anyway. */
const longestToken = 16 * 1024;

/** A token taken apart. Nothing in it is to be believed yet. */
export interface ParsedToken {
  readonly encodedHeader: string;
  readonly header: TokenHeader;
  readonly claims: JsonObject;
  /** What was signed: the first two parts and the point between them. */
  readonly signingInput: string;
  readonly signature: Buffer;
}

/**
 * Takes a compact JWS (RFC 7515 §3.1) apart without trusting it. Where several writings of the same token
 * would be possible, only the canonical one passes. Key material that a header offers (`jwk`, `jku`, `x5c`,
 * `x5u`) is never looked at.
 *
 * @param known headers that need not be read again
 * @throws {RefusalError} with reason `malformed`, or `algorithm` for a token without a signature.
 */
export function parseToken(text: string, known?: KnownHeaders): ParsedToken {
  checkLength(text);
  const afterHeader = text.indexOf('.');
  const afterClaims = text.indexOf('.', afterHeader + 1);
  if (afterClaims <= afterHeader || text.includes('.', afterClaims + 1)) throw malformed(explainParts(text));
  // Looked at as a whole; only where that fails, part by part, to name the one.
  const plain = isPlain(text) || undefined;
  const encodedHeader = text.slice(0, afterHeader);
  const header = known?.find(encodedHeader) ?? checkHeader(parsePart(encodedHeader, 'header', plain));
  const claims = parsePart(text.slice(afterHeader + 1, afterClaims), 'payload', plain);
  const signature = decodeBase64Url(text.slice(afterClaims + 1), plain);
  if (signature === undefined) throw malformed('Its signature is missing or not canonical base64url');
  return { encodedHeader, header, claims, signingInput: text.slice(0, afterClaims), signature };
}

/** @throws {RefusalError} with reason `malformed`. */
export function checkLength(text: string): void {
  if (text.length > longestToken) throw malformed(`It is ${text.length} characters long, the most is ${longestToken}`);
}

/** Beginnings of secrets that this package issues and that are no access tokens: refresh tokens. */
const ownSecretPrefixes = ['grt_'];

/**
 * Refuses a refresh token in the place of an access token, before an issuer is asked about it.
 *
 * @throws {RefusalError} with reason `type`.
 */
export function checkKind(text: string): void {
  if (!ownSecretPrefixes.some((prefix) => text.startsWith(prefix))) return;
  throw RefusalError.token('type', 'It is a refresh token. Send the access token that came with it');
}

/** Whether a text has the shape of a compact JWS (RFC 7515 §3.1): three parts separated by dots. */
export function hasThreeParts(text: string): boolean {
  const first = text.indexOf('.');
  const second = text.indexOf('.', first + 1);
  return second > first && first !== -1 && !text.includes('.', second + 1);
}

function parsePart(part: string, name: string, plain: true | undefined): JsonObject {
  const json = decodeBase64UrlText(part, plain);
  if (json === undefined) throw malformed(`Its ${name} is not UTF-8 in canonical base64url without padding`);
  const object = parseJsonObject(json);
  if (object === undefined) throw malformed(`Its ${name} is not a JSON object with each member named once`);
  return object;
}

function checkHeader(header: JsonObject): TokenHeader {
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string') throw malformed('Its header names no "alg"');
  // RFC 8725 §3.2: a token without a signature is none; said here, as its third part is rightly empty.
  if (alg.toLowerCase() === 'none') throw RefusalError.token('algorithm', 'It is not signed ("alg" is "none")');
  if (kid !== undefined && typeof kid !== 'string') throw malformed('Its "kid" is not a text');
  if (typ !== undefined && typeof typ !== 'string') throw malformed('Its "typ" is not a text');
  // RFC 7515 §4.1.11: extensions that must be understood, and none is.
  if (Object.hasOwn(header, 'crit')) {
    throw malformed(`Its header demands extensions (crit: ${logText(header['crit'])}), and none is supported`);
  }
  return header as TokenHeader;
}

function explainParts(text: string): string {
  const count = text.split('.', 6).length;
  if (count === 1) {
    return (
      'It is not a JWT: a token is three parts with points between. An opaque token? Ask the issuer for a JWT, ' +
      'often by naming the audience when signing in'
    );
  }
  if (count === 5) return 'It is an encrypted token (JWE); ask the issuer for a signed one';
  return `It has ${count > 5 ? 'more than five' : String(count)} parts instead of three`;
}

function malformed(explanation: string): RefusalError {
  return RefusalError.token('malformed', explanation);
}

/** An issuer signs all its tokens under a few headers, one for each key and type. */
const most = 64;

/** Headers that verified tokens have come with, by their encoded text: what was parsed and checked once. */
export class KnownHeaders {
  private readonly headers = new Map<string, TokenHeader>();
  private lastEncoded = '';
  private last: TokenHeader | undefined;

  /** Mostly it is the header that the token before had: to compare the two is cheaper than to look it up. */
  find(encoded: string): TokenHeader | undefined {
    return encoded === this.lastEncoded ? this.last : this.headers.get(encoded);
  }

  /** Only headers of tokens that have passed come in here, so that strangers cannot crowd out the known. */
  add(encoded: string, header: TokenHeader): void {
    if (encoded === this.lastEncoded) return;
    const own = detachedString(encoded);
    this.lastEncoded = own;
    this.last = header;
    if (this.headers.size >= most && !this.headers.has(own)) this.headers.clear();
    this.headers.set(own, header);
  }
}
