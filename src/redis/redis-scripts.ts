import { createHash } from 'node:crypto';

import { type Clock, NodeTimer } from '../clock/clock.js';
import { AuthUnavailableError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { describeThrown } from '../telemetry/log-text.js';
import { OutageWatch } from '../upstream/provider-calls.js';
import type { RedisConnection } from './redis-client.js';

/** A script that Redis runs as one step, so that no other command comes between its reads and its writes. */
export class RedisScript {
  readonly sha1: string;

  constructor(readonly text: string) {
    // Redis names a script by this hash. Nothing relies on its strength.
    this.sha1 = createHash('sha1').update(text).digest('hex');
  }
}

/** The expiry of keys in Redis only cleans up, so that it comes this much later: the clocks of Redis and of the app may differ. */
export const cleanupMarginMs = 3_600_000;

/** A text of any length as a short name of a key. As JSON, because only that keeps lone surrogates apart. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(JSON.stringify(text)).digest('base64url');
}

export interface RedisScriptsParts {
  readonly connection: RedisConnection;
  readonly keyPrefix: string;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
  readonly report: ReportEvent;
}

/** A command that Redis or the client did not carry out. Its message is ours, for the log. */
class RedisFailure extends Error {}

/**
 * Redis as the stores see it: scripts, and `AuthUnavailableError` (503) for everything that goes wrong. An outage is reported
 * once when it begins and once when it ends.
 */
export class RedisScripts {
  private readonly outage: OutageWatch;
  private hasFailed = false;

  constructor(private readonly parts: RedisScriptsParts) {
    this.outage = new OutageWatch({
      what: 'an answer from Redis',
      consequence: 'Until it answers, what needs it is answered with 503',
      clock: parts.clock,
      report: parts.report,
    });
  }

  /** The name of a key. Keys of one group are on one node of a cluster, so that a script can take several of them. */
  key(group: string, name: string): string {
    return `${this.parts.keyPrefix}{${group}}:${name}`;
  }

  /** The name of a key that no script takes together with others, so that a cluster spreads them over its nodes. */
  spreadKey(group: string, name: string): string {
    return `${this.parts.keyPrefix}${group}:${name}`;
  }

  /**
   * Runs a script.
   *
   * @throws {AuthUnavailableError} when it was not run, or that is unknown.
   */
  async run(
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    try {
      const reply = await this.evaluate(script, keys, args.map(String));
      this.hasFailed = false;
      this.outage.noteSuccess();
      return reply;
    } catch (cause) {
      this.hasFailed = true;
      const problem = problemOf(cause);
      this.outage.noteFailure(problem);
      throw new AuthUnavailableError(`Redis did not run a command: ${problem}`, undefined, { cause });
    }
  }

  private async evaluate(
    { sha1, text }: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly string[],
  ): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await this.send(keys[0], ['EVALSHA', sha1, ...rest]);
    } catch (error) {
      // Redis has forgotten its scripts, or has never had this one.
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error;
      return await this.send(keys[0], ['EVAL', text, ...rest]);
    }
  }

  /** Clients keep commands waiting while there is no connection, without a limit where the app has set none. */
  private async send(firstKey: string, command: readonly string[]): Promise<unknown> {
    const { connection, commandTimeoutMs } = this.parts;
    if (this.hasFailed && connection.isReconnecting()) throw new RedisFailure('it cannot be reached');
    const timer = new NodeTimer();
    const timeout = new Promise<never>((_, reject) => {
      timer.set(commandTimeoutMs, () => {
        reject(new RedisFailure(`it did not answer within ${commandTimeoutMs} ms`));
      });
    });
    try {
      return await Promise.race([connection.send(firstKey, command), timeout]);
    } finally {
      timer.clear();
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

/** For the log. What Redis says to a command may repeat what the command was called with; its first word names the error. */
function problemOf(error: unknown): string {
  if (error instanceof RedisFailure) return error.message;
  const [, name] = /^([A-Z]{3,20}) /.exec(messageOf(error)) ?? [];
  return name === undefined ? `the client threw ${describeThrown(error, null).problem}` : `it answered ${name}`;
}
