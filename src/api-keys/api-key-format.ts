import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

import { ConfigurationError } from '../errors/auth-error.js';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const idLength = 22;
const randomLength = 43;
const checkLength = 6;
const secretLength = randomLength + checkLength;

const secretPattern = new RegExp(`^[0-9A-Za-z]{${secretLength}}$`);

/** Beginnings of others: refresh tokens and one-time codes of this package, and the wrappers of Stack Auth and Hexclave. */
const takenPrefixes = ['grt', 'goc', 'stackauth', 'hexclave'];

/** The parts of the text of an API key. */
export interface ApiKeyParts {
  /** What precedes the last `_`. It is no secret: it names the key in lists, logs and revocations. */
  readonly id: string;
  /** What follows the last `_`. It ends with the checksum. */
  readonly secret: string;
}

/** The text of a key, and its parts. */
export interface ApiKeyText extends ApiKeyParts {
  readonly text: string;
}

/**
 * The form of the keys of an app: `<prefix>_<22 characters>_<43 characters><checksum of 6 characters>`, all base62. The first
 * part is the id (131 bits), the second the secret (256 bits); the checksum is the CRC-32 of everything before it.
 */
export class ApiKeyFormat {
  /** What every key begins with. */
  readonly beginning: string;
  private readonly idPattern: RegExp;

  /** @param prefix as `readApiKeyPrefix` accepts it */
  constructor(prefix: string) {
    this.beginning = `${prefix}_`;
    this.idPattern = new RegExp(`^${prefix}_[0-9A-Za-z]{${idLength}}$`);
  }

  /** Creates an id. */
  createId(): string {
    return `${this.beginning}${randomDigits(idLength)}`;
  }

  /** Creates a secret for an id. */
  createSecret(id: string): ApiKeyText {
    const random = randomDigits(randomLength);
    const secret = `${random}${checksumOf(`${id}_${random}`)}`;
    return { id, secret, text: `${id}_${secret}` };
  }

  /** Whether a text is meant as a key of this app, well-formed or not. */
  claims(text: string): boolean {
    return text.startsWith(this.beginning);
  }

  /** Splits a text; `null` when it is not of this form, or its checksum is wrong. It does not prove that the key exists. */
  parse(text: string): ApiKeyParts | null {
    const parts = this.split(text);
    return parts === null ? null : this.parsePair(parts.id, parts.secret);
  }

  /** Splits a text of the right length without looking at its characters: enough to compare it with a key that is known. */
  split(text: string): ApiKeyParts | null {
    const at = this.beginning.length + idLength;
    if (text.length !== at + 1 + secretLength || text.charAt(at) !== '_') return null;
    return { id: text.slice(0, at), secret: text.slice(at + 1) };
  }

  /** The same for an id and a secret that were sent apart. */
  parsePair(id: string, secret: string): ApiKeyParts | null {
    if (!this.isId(id) || !secretPattern.test(secret)) return null;
    const check = checksumOf(`${id}_${secret.slice(0, randomLength)}`);
    return secret.endsWith(check) ? { id, secret } : null;
  }

  /** Whether a text has the form of an id. */
  isId(text: string): boolean {
    return this.idPattern.test(text);
  }
}

/**
 * Checks a prefix.
 *
 * @throws {ConfigurationError} unless it is 2 to 16 lower-case letters and digits, optionally followed by `_live` or `_test`.
 */
export function readApiKeyPrefix(where: string, given: unknown): string {
  if (typeof given === 'string' && /^[a-z][a-z0-9]{1,15}(?:_live|_test)?$/.test(given) && !isTaken(given)) return given;
  throw new ConfigurationError(
    where,
    given === undefined
      ? 'it is missing'
      : typeof given === 'string' && isTaken(given)
        ? 'other credentials begin with it'
        : 'a prefix is 2 to 16 lower-case letters and digits, the first of them a letter, optionally followed by _live or _test',
    "Write a short name of your app: prefix: 'acme'",
  );
}

function isTaken(prefix: string): boolean {
  return takenPrefixes.includes(prefix.replace(/_(?:live|test)$/, ''));
}

/**
 * The pattern of an app's keys, for secret scanners such as those of GitHub, GitLab and gitleaks: they search repositories and
 * logs for keys that were published by mistake.
 *
 * @example
 * apiKeyPattern('acme_live'); // \bacme_live_[0-9A-Za-z]{22}_[0-9A-Za-z]{49}\b
 * @throws {ConfigurationError} for what is no prefix.
 */
export function apiKeyPattern(prefix: string): string {
  const checked = readApiKeyPrefix('apiKeyPattern(prefix)', prefix);
  return String.raw`\b${checked}_[0-9A-Za-z]{${idLength}}_[0-9A-Za-z]{${secretLength}}\b`;
}

function checksumOf(text: string): string {
  let rest = crc32(text);
  let written = '';
  for (let at = 0; at < checkLength; at += 1) {
    written = digits.charAt(rest % digits.length) + written;
    rest = Math.floor(rest / digits.length);
  }
  return written;
}

/** The largest multiple of 62 that a byte can count to: a byte beyond it would make some digits more frequent. */
const usableBytes = 256 - (256 % digits.length);

function randomDigits(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < usableBytes && text.length < length) text += digits.charAt(byte % digits.length);
    }
  }
  return text;
}
