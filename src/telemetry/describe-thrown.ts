import { logText } from './log-text.js';

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
    return describe(thrown, secret);
  } catch {
    // Getters and proxies may throw in their turn.
    return { problem: 'something that cannot be shown', frames: [] };
  }
}

function describe(thrown: unknown, secret: string | null): Thrown {
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
