import { describe, expect, it } from 'vitest';
import type { AccountMail } from '../../../src/accounts/mail-sender.js';
import { Outbox } from '../../../src/accounts/outbox.js';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import { someMail } from '../../support/account-mail.js';
import { ManualTimer } from '../../support/manual-timer.js';

/** An outbox whose timers ring when the test says so. */
function openOutbox(send: (mail: AccountMail) => unknown) {
  const events: AuthEvent[] = [];
  const timers: ManualTimer[] = [];
  const tried: AccountMail[] = [];
  const outbox = new Outbox({
    findSender: () => ({
      send: (mail) => {
        tried.push(mail);
        return send(mail);
      },
    }),
    report: (event) => events.push(event),
    createTimer: () => {
      const timer = new ManualTimer();
      timers.push(timer);
      return timer;
    },
  });
  const pauses = () => timers.map(({ delayMs }) => delayMs);
  /** Rings what is set, and lets the attempts that follow end. */
  const ring = async () => {
    for (const timer of timers.splice(0)) timer.ring();
    await turn();
  };
  return { outbox, events, tried, pauses, ring };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

const refuse = (message = 'no'): never => {
  throw new Error(message);
};

const problemsOf = (events: readonly AuthEvent[]) =>
  events.map((event) => (event.type === 'mail-not-sent' ? event.problem : event.type));

describe('an outbox', () => {
  it('sends a mail after the turn in which it was posted, once', async () => {
    const { outbox, events, tried, pauses } = openOutbox(() => Promise.resolve());
    const mail = someMail();
    outbox.post(mail);
    await Promise.resolve();
    expect(tried).toEqual([]);
    await turn();
    expect(tried).toEqual([mail]);
    expect([events, pauses()]).toEqual([[], []]);
  });

  it.each([
    ['throws', () => refuse()],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('tries a mail three times when its sender %s, after 1 and 10 seconds, and reports it once', async (_how, send) => {
    const { outbox, events, tried, pauses, ring } = openOutbox(send);
    outbox.post(someMail());
    await turn();
    expect([tried.length, pauses()]).toEqual([1, [1_000]]);
    await ring();
    expect([tried.length, pauses()]).toEqual([2, [10_000]]);
    expect(events).toEqual([]);
    await ring();
    expect([tried.length, pauses()]).toEqual([3, []]);
    expect(events).toEqual([{ type: 'mail-not-sent', kind: 'magic-link', problem: 'Error "no"' }]);
  });

  it('reports nothing when a later try succeeds', async () => {
    let failures = 0;
    const { outbox, events, tried, pauses, ring } = openOutbox(() => (failures++ < 2 ? refuse() : undefined));
    outbox.post(someMail());
    await turn();
    await ring();
    await ring();
    expect([tried.length, pauses(), events]).toEqual([3, [], []]);
    await outbox.drain();
  });

  it('does not try again what only a change of the configuration can mend', async () => {
    const { outbox, events, tried, pauses } = openOutbox(() => {
      throw new ConfigurationError('smtp(url)', 'nodemailer is missing', 'Install it');
    });
    outbox.post(someMail());
    await turn();
    expect([tried.length, pauses()]).toEqual([1, []]);
    expect(problemsOf(events)).toEqual([expect.stringContaining('nodemailer is missing')]);
  });

  it.each([
    ['the address', 'no such mailbox: ada@example.com'],
    ['the address in another case', '550 <ADA@Example.COM> is unknown'],
    ['the code', 'the text "482913" was refused'],
    ['the link', 'a link to https://app.example.com/in?code=goc_secret-of-the-link is spam'],
    ['the code of the link', 'goc_secret-of-the-link'],
    ['the code of the link in another case', 'GOC_SECRET-OF-THE-LINK'],
    ['the address where the log cuts it', `${'x'.repeat(185)} ADA@example.com`],
    ['all of them', 'ada@example.com 482913 https://app.example.com/in?code=goc_secret-of-the-link'],
  ])('does not report %s', async (_what, message) => {
    const { outbox, events, ring } = openOutbox(() => refuse(message));
    outbox.post(someMail());
    await turn();
    await ring();
    await ring();
    const [problem = ''] = problemsOf(events);
    expect(events).toHaveLength(1);
    for (const secret of ['ada', '482913', 'goc_secret']) expect(problem.toLowerCase()).not.toContain(secret);
    expect(problem).toContain('[…]');
  });

  it('holds 1,000 mails that wait, and reports those beyond', async () => {
    const { outbox, events, tried } = openOutbox(() => new Promise(() => undefined));
    for (let n = 0; n < 1_000; n += 1) outbox.post(someMail());
    expect(events).toEqual([]);
    outbox.post(someMail({ kind: 'verify-email' }));
    expect(events).toEqual([
      { type: 'mail-not-sent', kind: 'verify-email', problem: '1000 mails are waiting to be sent' },
    ]);
    await turn();
    expect(tried).toHaveLength(1_000);
  });

  it('has room again when a mail was sent or given up', async () => {
    const { outbox, events, ring } = openOutbox(({ code }) => (code === null ? refuse() : undefined));
    for (let n = 0; n < 1_000; n += 1) outbox.post(someMail(n === 0 ? { code: null } : {}));
    await turn();
    for (let n = 0; n < 999; n += 1) outbox.post(someMail());
    expect(events).toEqual([]);
    outbox.post(someMail());
    expect(problemsOf(events)).toEqual(['1000 mails are waiting to be sent']);
    await ring();
    await ring();
    expect(problemsOf(events)).toEqual(['1000 mails are waiting to be sent', 'Error "no"']);
    await outbox.drain();
  });

  it('drains when the last mail was sent', async () => {
    const release: (() => void)[] = [];
    const { outbox, pauses } = openOutbox(() => new Promise<void>((resolve) => release.push(resolve)));
    outbox.post(someMail());
    outbox.post(someMail());
    await turn();
    let isDrained = false;
    const drained = outbox.drain().then(() => {
      isDrained = true;
    });
    release[0]?.();
    await turn();
    expect([isDrained, pauses()]).toEqual([false, [5_000]]);
    release[1]?.();
    await drained;
  });

  it('drains at once when nothing waits, and after 5 seconds when a mail takes longer', async () => {
    const { outbox, ring, pauses } = openOutbox(() => new Promise(() => undefined));
    await outbox.drain();
    outbox.post(someMail());
    await turn();
    const drained = outbox.drain();
    expect(pauses()).toEqual([5_000]);
    await ring();
    await drained;
  });
});
