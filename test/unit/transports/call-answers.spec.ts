import { describe, expect, it } from 'vitest';
import { ErrorAnswers } from '../../../src/challenge/error-answers.js';
import { AuthUnavailableError, ConfigurationError, RefusalError } from '../../../src/errors/auth-error.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import { CallAnswers } from '../../../src/transports/call-answers.js';

function setUp(): { answers: CallAnswers; events: AuthEvent[] } {
  const events: AuthEvent[] = [];
  return { answers: new CallAnswers(new ErrorAnswers([]), (event) => events.push(event)), events };
}

const expired = RefusalError.token('expired', 'It expired');

describe('an error that is reported', () => {
  it('is reported once for a request and a handler', () => {
    const { answers, events } = setUp();
    const [one, other] = [{}, {}];
    for (const request of [one, one, other]) {
      for (const handler of ['Cats.list', 'Cats.find']) {
        answers.reportOnce(request, expired, { handler, anonymous: false });
      }
    }
    expect(events.map((event) => event.type === 'refused' && event.handler)).toEqual([
      'Cats.list',
      'Cats.find',
      'Cats.list',
      'Cats.find',
    ]);
    expect(events[0]).toEqual({
      type: 'refused',
      code: 'INVALID_TOKEN',
      reason: 'expired',
      explanation: 'It expired',
      handler: 'Cats.list',
      anonymous: false,
    });
  });

  it('is reported for at most 100 handlers of one request', () => {
    const { answers, events } = setUp();
    const request = {};
    for (let at = 0; at < 250; at += 1) {
      answers.reportOnce(request, expired, { handler: `Cats.field${at}`, anonymous: true });
    }
    expect(events).toHaveLength(100);
    answers.reportOnce({}, expired, { handler: 'Cats.field0', anonymous: true });
    expect(events).toHaveLength(101);
  });

  it('names what to change when it is a mistake in the configuration', () => {
    const { answers, events } = setUp();
    const wrong = new ConfigurationError('oidc({ audience })', 'it is missing', 'Write one');
    answers.reportOnce({}, wrong, { handler: 'Cats.list', anonymous: false });
    answers.reportOnce({}, new AuthUnavailableError('down', 1), { handler: 'Cats.list', anonymous: false });
    expect(events).toMatchObject([
      { type: 'misconfigured', problem: 'oidc({ audience }): it is missing', fix: 'Write one' },
      { type: 'refused', code: 'CONFIGURATION_ERROR' },
      { type: 'refused', code: 'SERVER_ERROR', reason: null },
    ]);
  });
});
