/** The description of an error of the app for the log: it can be traced, and it cannot add lines to the log. */
import { describe, expect, it } from 'vitest';
import { describeThrown } from '../../../src/telemetry/log-text.js';

describe('a thrown value', () => {
  it('is described by name, message and stack frames', () => {
    const { problem, frames } = describeThrown(new TypeError('no such cat'), null);
    expect(problem).toBe('TypeError "no such cat"');
    expect(frames[0]).toMatch(/^at .*describe-thrown\.spec\.ts/);
    expect(frames.length).toBeLessThanOrEqual(12);
  });

  it.each([
    ['a text', 'no', 'string "no"'],
    ['nothing', undefined, 'undefined "undefined"'],
    ['null', null, 'object "null"'],
    ['a symbol', Symbol('no'), 'symbol "Symbol(no)"'],
    ['an error with a name of several lines', Object.assign(new Error('no'), { name: 'A\nB' }), 'Error "no"'],
  ])('may be %s', (_what, thrown, problem) => {
    expect(describeThrown(thrown, null)).toMatchObject({ problem });
  });

  it.each([
    ['an object without a prototype', Object.create(null)],
    [
      'a getter that throws',
      Object.defineProperty(new Error('no'), 'message', {
        get() {
          throw new Error('again');
        },
      }),
    ],
  ])('may be hostile: %s', (_what, thrown: unknown) => {
    expect(describeThrown(thrown, null)).toEqual({ problem: 'a value that cannot be described', frames: [] });
  });

  it('cannot add lines or frames to the log', () => {
    const { problem, frames } = describeThrown(
      new Error('cat\n    at forged (log.ts:1:1)\r\nERROR [App] forged'),
      null,
    );
    expect(problem).toBe('Error "cat\\u000a    at forged (log.ts:1:1)\\u000d\\u000aERROR [App] forged"');
    expect(frames.join('\n')).not.toContain('forged');
  });

  it('is described without the secret in message and frames', () => {
    const secret = 'aaa.bbb.ccc';
    const error = new Error(`401 for ${secret}`);
    error.stack = `Error: 401 for ${secret}\n    at fetch (https://api.example/?token=${secret}:1:1)`;
    expect(describeThrown(error, secret)).toEqual({
      problem: 'Error "401 for [token]"',
      frames: ['at fetch (https://api.example/?token=[token]:1:1)'],
    });
  });

  it.each([
    [
      'connect ECONNREFUSED postgres://app:p@ss/word@db:5432/cats',
      'connect ECONNREFUSED postgres://[credentials]@db:5432/cats',
    ],
    [
      'no answer from "redis://:x@cache" and http://u:p@host/',
      'no answer from "redis://[credentials]@cache" and http://[credentials]@host/',
    ],
    ['host=db password=geheim user=app', 'host=db password=[secret] user=app'],
    ['{"pwd":"a b","token": \'c\'}', '{"pwd":[secret],"token": [secret]}'],
    ['api_key=k1&secret=s2, then more', 'api_key=[secret]&secret=[secret], then more'],
    ['password authentication failed for user "app"', 'password authentication failed for user "app"'],
    ['see https://example.com/docs', 'see https://example.com/docs'],
  ])('is described without the credentials in its message: %s', (message, described) => {
    const { problem } = describeThrown(new Error(message), null);
    expect(problem.replaceAll('\\"', '"')).toBe(`Error "${described}"`);
  });

  it('has no frames when its stack does not contain the message', () => {
    const error = new Error('before');
    expect(error.stack).toContain('before');
    error.message = 'after';
    expect(describeThrown(error, null)).toEqual({ problem: 'Error "after"', frames: [] });
  });
});
