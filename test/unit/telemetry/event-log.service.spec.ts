import { ConsoleLogger, Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuthEvent, RefusedEvent } from '../../../src/telemetry/auth-event.js';
import { EventLog } from '../../../src/telemetry/event-log.service.js';
import { LogLines } from '../../support/log-lines.js';

const refused: RefusedEvent = {
  type: 'refused',
  code: 'INVALID_TOKEN',
  reason: 'expired',
  explanation: 'It ended 5 s ago',
  handler: 'CatsController.list',
  anonymous: false,
};

const events: readonly (readonly [string, AuthEvent, string])[] = [
  [
    'debug',
    refused,
    'CatsController.list: refused (INVALID_TOKEN, expired). It ended 5 s ago. See https://OWNER.github.io/nest-gatehouse/reference/errors#invalid-token-expired',
  ],
  [
    'debug',
    { ...refused, anonymous: true },
    'CatsController.list: went on without a user (INVALID_TOKEN, expired). It ended 5 s ago. See https://OWNER.github.io/nest-gatehouse/reference/errors#invalid-token-expired',
  ],
  [
    'debug',
    { ...refused, code: 'MISSING_TOKEN', reason: null, explanation: 'No token came' },
    'CatsController.list: refused (MISSING_TOKEN). No token came. See https://OWNER.github.io/nest-gatehouse/reference/errors#missing-token',
  ],
  [
    'error',
    {
      type: 'outage-began',
      what: 'the keys of x',
      problem: 'x answered with status 503',
      consequence: 'They serve on',
    },
    'Cannot get the keys of x: x answered with status 503. They serve on',
  ],
  ['log', { type: 'outage-ended', what: 'the keys of x', lastedSeconds: 90 }, 'Got the keys of x again, after 90 s'],
  [
    'error',
    { type: 'misconfigured', problem: 'There is no such transport', fix: 'Add the line' },
    'There is no such transport. Add the line',
  ],
];

describe('the log', () => {
  const lines = new LogLines();

  beforeEach(() => {
    lines.forget();
    Logger.overrideLogger(lines);
  });

  afterEach(() => {
    Logger.overrideLogger(new ConsoleLogger());
  });

  it.each(events)('writes one line at %s for an event: %j', (level, event, text) => {
    new EventLog().report(event);

    // Nest passes on an error's stack, and `undefined` where there is none.
    const written = lines.lines.map((line) => ({ ...line, text: line.text.replace(/ undefined$/, '') }));
    expect(written).toEqual([{ level, text, context: 'Gatehouse' }]);
  });

  it('may be passed as a function', () => {
    const { report } = new EventLog();
    report(refused);

    expect(lines.ours('debug')).toHaveLength(1);
  });

  it('calls the listener of the app with each event, after writing the line', () => {
    const seen: AuthEvent[] = [];
    const log = new EventLog((event) => {
      seen.push(event);
      expect(lines.lines).toHaveLength(seen.length);
    });
    for (const [, event] of events) log.report(event);

    expect(seen).toEqual(events.map(([, event]) => event));
    expect(JSON.parse(JSON.stringify(seen))).toEqual(seen);
  });

  it('logs an error of the listener, and continues', () => {
    const log = new EventLog(() => {
      throw new TypeError('the counter is full');
    });
    log.report(refused);

    expect(lines.ours('error')[0]?.text).toMatch(/^onEvent threw: TypeError "the counter is full"/);
  });
});
