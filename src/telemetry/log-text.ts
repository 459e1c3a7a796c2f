const longest = 200;

/**
 * Makes a text of a request (an issuer, a key id, …) safe for a log line: it is quoted, cut to 200 characters and kept
 * on one line, and characters that a terminal or a log viewer would interpret are escaped.
 */
export function logText(value: unknown): string {
  const text = typeof value === 'string' ? value : describe(value);
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  if (typeof value !== 'string') return escapeActive(cut);
  return `"${escapeActive(cut.replaceAll(/["\\]/g, '\\$&'))}"`;
}

/** Escapes control characters (C0, C1, DEL), line and paragraph separators, bidirectional marks and lone surrogates. */
export function escapeActive(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** Writes a value as JSON, or its type where it has no JSON form. Never throws, so that writing a log line cannot fail. */
function describe(value: unknown): string {
  try {
    // For `undefined`, a function or a symbol the result is `undefined`, although its type says string.
    const json: unknown = JSON.stringify(value);
    return typeof json === 'string' ? json : typeof value;
  } catch {
    return typeof value;
  }
}

/** An error that code of the app has thrown, made safe for the log. */
export interface Thrown {
  /** Name and message: `TypeError "Cannot read properties of undefined"`. */
  readonly problem: string;
  /** The stack frames, innermost first, one line each; `[]` where there is no stack. */
  readonly frames: readonly string[];
}

const mostFrames = 12;

/** The user and the password in an address, up to the last `@` of it. */
const addressCredentials = /(:\/\/)[^\s"'<>]*@/g;
/** `password=…`, `"token": "…"` and the like. */
const namedSecret =
  /((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key)["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s,;&"']+)/gi;

/**
 * Describes a thrown value so that its text cannot add lines to the log, because a message may repeat texts of the
 * request. Every occurrence of `secret` is replaced, and so are the credentials in addresses and settings of connections, which
 * drivers of databases repeat.
 */
export function describeThrown(thrown: unknown, secret: string | null): Thrown {
  try {
    return toThrown(thrown, secret);
  } catch {
    // A getter or a proxy of the thrown value may throw as well.
    return { problem: 'a value that cannot be described', frames: [] };
  }
}

function toThrown(thrown: unknown, secret: string | null): Thrown {
  if (!(thrown instanceof Error))
    return { problem: `${typeof thrown} ${logText(withoutCredentials(thrown, secret))}`, frames: [] };
  const problem = `${nameOf(thrown)} ${logText(withoutCredentials(thrown.message, secret))}`;
  return { problem, frames: framesOf(thrown).map((frame) => logText(withoutSecret(frame, secret)).slice(1, -1)) };
}

function nameOf(error: Error): string {
  return /^\w{1,60}$/.test(error.name) ? error.name : 'Error';
}

function withoutCredentials(message: unknown, secret: string | null): string {
  return withoutSecret(message, secret)
    .replaceAll(addressCredentials, '$1[credentials]@')
    .replaceAll(namedSecret, '$1[secret]');
}

function withoutSecret(value: unknown, secret: string | null): string {
  const text = typeof value === 'string' ? value : String(value);
  return secret === null || secret === '' ? text : text.replaceAll(secret, '[token]');
}

/** Reads the frames after the message: V8 writes name and message first, and the message may itself look like frames. */
function framesOf({ stack, message }: Error): readonly string[] {
  if (typeof stack !== 'string') return [];
  const at = stack.indexOf(message);
  const frames = at === -1 ? '' : stack.slice(at + message.length);
  return frames
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, mostFrames)
    .map((line) => line.trim());
}
