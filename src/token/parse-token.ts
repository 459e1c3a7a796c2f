import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import { decodeBase64Url, decodeBase64UrlText, isUnambiguous, detachedString } from './base64url.js';
import { parseJsonObject, type JsonObject } from './json-object.js';
import type { TokenHeader } from './verified-token.js';

/** The longest token that is accepted, in characters. Most servers limit all headers together to less. */
const maxTokenLength = 16 * 1024;

/** The parts of a token. None of them has been verified. */
export interface ParsedToken {
  readonly encodedHeader: string;
  readonly header: TokenHeader;
  readonly claims: JsonObject;
  /** The signed text: the first two parts and the dot between them (RFC 7515 §5.1). */
  readonly signingInput: string;
  readonly signature: Buffer;
}

/**
 * Parses a compact JWS (RFC 7515 §3.1) without verifying it. Of several possible encodings of the same token, only the
 * canonical one is accepted. Key material in the header (`jwk`, `jku`, `x5c`, `x5u`) is ignored.
 *
 * @param known headers of verified tokens, which are not parsed again
 * @throws {RefusalError} with reason `malformed`, or `algorithm` for a token without a signature.
 */
export function parseToken(text: string, known?: KnownHeaders): ParsedToken {
  checkLength(text);
  const afterHeader = text.indexOf('.');
  const afterClaims = text.indexOf('.', afterHeader + 1);
  if (afterClaims <= afterHeader || text.includes('.', afterClaims + 1)) throw malformed(explainParts(text));
  // One check of the whole text is cheaper than three. When it fails, `undefined` makes each part check itself, so that
  // the refusal names the part.
  const unambiguous = isUnambiguous(text) || undefined;
  const encodedHeader = text.slice(0, afterHeader);
  const header = known?.find(encodedHeader) ?? checkHeader(parsePart(encodedHeader, 'header', unambiguous));
  const claims = parsePart(text.slice(afterHeader + 1, afterClaims), 'payload', unambiguous);
  const signature = decodeBase64Url(text.slice(afterClaims + 1), unambiguous);
  if (signature === undefined) throw malformed('Its signature is missing or not canonical base64url');
  return { encodedHeader, header, claims, signingInput: text.slice(0, afterClaims), signature };
}

/** @throws {RefusalError} with reason `malformed`. */
export function checkLength(text: string): void {
  if (text.length > maxTokenLength) throw malformed(`It has ${text.length} characters; the limit is ${maxTokenLength}`);
}

/** Beginnings of secrets that this package issues and that are no access tokens. */
const ownSecrets = [
  { prefix: 'grt_', explanation: 'It is a refresh token. Send the access token that came with it' },
  { prefix: 'goc_', explanation: 'It is a one-time code. Send it in the body, to the route that it was issued for' },
];

/** Texts that clients send when the variable with the token has no value. */
const emptyValues = ['undefined', 'null', 'NaN', '[object Object]', '[object Promise]', 'false', 'none', 'None'];

/**
 * Refuses a refresh token or a one-time code in the place of an access token, and a text that is no value, before an issuer is asked about it.
 *
 * @throws {RefusalError} with reason `type` or `malformed`.
 */
export function checkKind(text: string): void {
  if (text.length < 16 && emptyValues.includes(text)) {
    throw malformed(`It is the text "${text}": the client has sent a variable that has no token in it`);
  }
  const found = ownSecrets.find(({ prefix }) => text.startsWith(prefix));
  if (found !== undefined) throw RefusalError.token('type', found.explanation);
}

/** Whether a text is one of those that `checkKind` refuses. */
export function isNoCredential(text: string): boolean {
  return (text.length < 16 && emptyValues.includes(text)) || ownSecrets.some(({ prefix }) => text.startsWith(prefix));
}

/** Whether a text has the shape of a compact JWS (RFC 7515 §3.1): three parts separated by dots. */
export function hasThreeParts(text: string): boolean {
  const first = text.indexOf('.');
  const second = text.indexOf('.', first + 1);
  return second > first && first !== -1 && !text.includes('.', second + 1);
}

function parsePart(part: string, name: string, unambiguous: true | undefined): JsonObject {
  const json = decodeBase64UrlText(part, unambiguous);
  if (json === undefined) throw malformed(`Its ${name} is not UTF-8 in canonical base64url without padding`);
  const object = parseJsonObject(json);
  if (object === undefined) throw malformed(`Its ${name} is not a JSON object without duplicate members`);
  return object;
}

function checkHeader(header: JsonObject): TokenHeader {
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string') throw malformed('Its header has no "alg"');
  // RFC 8725 §3.2: unsigned tokens are refused. Checked here, because their empty third part would be reported as
  // malformed.
  if (alg.toLowerCase() === 'none') throw RefusalError.token('algorithm', 'It is not signed ("alg" is "none")');
  if (kid !== undefined && typeof kid !== 'string') throw malformed('Its "kid" is not a text');
  if (typ !== undefined && typeof typ !== 'string') throw malformed('Its "typ" is not a text');
  // RFC 7515 §4.1.11: `crit` lists extensions that the recipient must support.
  if (Object.hasOwn(header, 'crit')) {
    throw malformed(`Its header requires extensions (crit: ${logText(header['crit'])}), and none is supported`);
  }
  return header as TokenHeader;
}

function explainParts(text: string): string {
  const count = text.split('.', 6).length;
  if (count === 1) {
    return (
      'It is not a JWT, which has three parts separated by dots. If it is an opaque token, ask the issuer for a JWT, ' +
      'often by naming the audience at sign-in'
    );
  }
  if (count === 5) return 'It is an encrypted token (JWE); ask the issuer for a signed one';
  return `It has ${count > 5 ? 'more than five' : String(count)} parts instead of three`;
}

function malformed(explanation: string): RefusalError {
  return RefusalError.token('malformed', explanation);
}

/** How many headers are cached. An issuer uses few: one for each key and token type. */
const maxHeaders = 64;

/** Caches the parsed headers of verified tokens by their encoded text. */
export class KnownHeaders {
  private readonly headers = new Map<string, TokenHeader>();
  private lastEncoded = '';
  private last: TokenHeader | undefined;

  /** The last header is compared first, because most tokens repeat it and a comparison is cheaper than a look-up. */
  find(encoded: string): TokenHeader | undefined {
    return encoded === this.lastEncoded ? this.last : this.headers.get(encoded);
  }

  /** Add only headers of verified tokens, so that forged tokens cannot displace them. */
  add(encoded: string, header: TokenHeader): void {
    if (encoded === this.lastEncoded) return;
    const detached = detachedString(encoded);
    this.lastEncoded = detached;
    this.last = header;
    if (this.headers.size >= maxHeaders && !this.headers.has(detached)) this.headers.clear();
    this.headers.set(detached, header);
  }
}
