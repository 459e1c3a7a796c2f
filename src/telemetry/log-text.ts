const longest = 200;

/**
 * A text that came with a request (an issuer, a key id, …) as it may stand in a log line: quoted, on one
 * line, short, and with nothing in it that a terminal or a log reader would take for more than text.
 */
export function logText(value: unknown): string {
  const text = typeof value === 'string' ? value : describe(value);
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  if (typeof value !== 'string') return escapeActive(cut);
  return `"${escapeActive(cut.replaceAll(/["\\]/g, '\\$&'))}"`;
}

/** Control characters (C0, C1, DEL), line and paragraph separators, marks that turn reading order, half characters. */
function escapeActive(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** As JSON, where there is JSON for it: a log line must not fail over what it tells. */
function describe(value: unknown): string {
  try {
    // There is none for `undefined`, a function or a symbol, whatever its types say.
    const json: unknown = JSON.stringify(value);
    return typeof json === 'string' ? json : typeof value;
  } catch {
    return typeof value;
  }
}

/** What code of the app has thrown, as it may stand in a log. */
export interface Thrown {
  /** Name and message: `TypeError "Cannot read properties of undefined"`. */
  readonly problem: string;
  /** Where it came from, innermost first, one line each; `[]` where nothing tells. */
  readonly frames: readonly string[];
}

const mostFrames = 12;

/**
 * Describes what was thrown without letting it write log lines of its own: a message may repeat what came with the
 * request. `secret` is taken out wherever it stands.
 */
export function describeThrown(thrown: unknown, secret: string | null): Thrown {
  try {
    return toThrown(thrown, secret);
  } catch {
    // Getters and proxies may throw in their turn.
    return { problem: 'something that cannot be shown', frames: [] };
  }
}

function toThrown(thrown: unknown, secret: string | null): Thrown {
  if (!(thrown instanceof Error))
    return { problem: `${typeof thrown} ${logText(withheld(thrown, secret))}`, frames: [] };
  const problem = `${nameOf(thrown)} ${logText(withheld(thrown.message, secret))}`;
  return { problem, frames: framesOf(thrown).map((frame) => logText(withheld(frame, secret)).slice(1, -1)) };
}

function nameOf(error: Error): string {
  return /^\w{1,60}$/.test(error.name) ? error.name : 'Error';
}

function withheld(value: unknown, secret: string | null): string {
  const text = typeof value === 'string' ? value : String(value);
  return secret === null || secret === '' ? text : text.replaceAll(secret, '[token]');
}

/** V8 writes name and message before the frames; the message may look like frames itself. */
function framesOf({ stack, message }: Error): readonly string[] {
  if (typeof stack !== 'string') return [];
  const at = stack.indexOf(message);
  const behind = at === -1 ? '' : stack.slice(at + message.length);
  return behind
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, mostFrames)
    .map((line) => line.trim());
}
