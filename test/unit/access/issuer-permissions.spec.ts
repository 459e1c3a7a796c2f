/** The permissions of an issuer's users: an answer is cached while it is fresh, and an older answer is never used in an outage. */
import { describe, expect, it } from 'vitest';
import {
  IssuerPermissions,
  PermissionSources,
  type UserFacts,
  type PermissionSource,
} from '../../../src/access/issuer-permissions.js';
import { AuthUnavailableError, RefusalError } from '../../../src/errors/auth-error.js';
import { ExpiringMemory } from '../../../src/profiles/expiring-memory.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import { UpstreamFailure } from '../../../src/upstream/upstream-failure.js';
import type { AuthUser } from '../../../src/user/auth-user.js';
import { tokenOf } from '../../../src/user/verified-user.js';
import { ManualTimer } from '../../support/manual-timer.js';
import { ManualClock } from '../../support/manual-clock.js';
import { settle, userOf } from '../../support/opened-profiles.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

/** Answers each question with its text and its number. After `hold`, answers wait for `release`. */
class EchoSource implements PermissionSource {
  readonly name = 'the API of Joe';
  readonly questions: string[] = [];
  trouble: (user: AuthUser) => unknown = () => undefined;
  private gate: Promise<void> = Promise.resolve();
  release: () => void = () => undefined;

  hold(): void {
    this.gate = new Promise((resolve) => {
      this.release = resolve;
    });
  }

  permissionsOf = async (user: AuthUser) => [await this.answer('permissions', user)];
  permissionsIn = async (user: AuthUser, id: string) => [await this.answer(`permissions in ${id}`, user)];
  organizationsOf = async (user: AuthUser) => [
    { id: await this.answer('organizations', user), name: null, slug: null, roles: [], permissions: [] },
  ];

  private async answer(question: string, user: AuthUser): Promise<string> {
    this.questions.push(`${question} of ${user.id} by ${tokenOf(user)}`);
    const answer = `${question}, ${this.questions.length}`;
    await this.gate;
    const trouble = this.trouble(user);
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a source may throw anything.
    if (trouble !== undefined) throw trouble;
    return answer;
  }
}

function open({ freshMs = 60_000, maxEntries = 100 } = {}) {
  const clock = new ManualClock();
  const events: AuthEvent[] = [];
  const source = new EchoSource();
  const timer = new ManualTimer();
  const memory = new ExpiringMemory<UserFacts>({ maxEntries, clock, timer });
  const report = (event: AuthEvent): void => void events.push(event);
  const permissions = new IssuerPermissions(source, { clock, report }, { memory, freshMs });
  const sources = new PermissionSources(new Map([['joe', permissions]]), memory);
  return { source, permissions, sources, clock, events, timer };
}

const alice = userOf('alice');

describe('permissions', () => {
  it('are requested again only when they are no longer fresh, each question separately', async () => {
    const { source, permissions, clock } = open();
    const ask = async () => [
      await permissions.permissionsOf(alice),
      await permissions.permissionsIn(alice, 'a'),
      await permissions.permissionsIn(alice, 'b'),
      (await permissions.organizationsOf(alice)).map(({ id }) => id),
      await permissions.permissionsOf(userOf('bob')),
    ];
    const first = await ask();
    clock.advanceSeconds(59.999);
    expect(await ask()).toEqual(first);
    expect(source.questions).toEqual([
      'permissions of alice by t1',
      'permissions in a of alice by t1',
      'permissions in b of alice by t1',
      'organizations of alice by t1',
      'permissions of bob by t1',
    ]);
    clock.advanceSeconds(0.001);
    expect(await ask()).not.toEqual(first);
    expect(source.questions).toHaveLength(10);
  });

  it('are cached by issuer and user: another token of the user finds the answer, a user of another issuer does not', async () => {
    const { source, permissions } = open();
    await permissions.permissionsOf(alice);
    await permissions.permissionsOf(userOf('alice', { token: 't2' }));
    expect(source.questions).toHaveLength(1);
    await permissions.permissionsOf(userOf('alice', { issuer: 'jim' }));
    expect(source.questions).toHaveLength(2);
  });

  it.each([
    ['with a cache', {}],
    ['without a cache', { freshMs: 0, maxEntries: 0 }],
  ])('are requested once for concurrent calls, %s', async (_what, options) => {
    const { source, permissions } = open(options);
    source.hold();
    const answers = Promise.all(Array.from({ length: 100 }, () => permissions.permissionsOf(alice)));
    await settle();
    source.release();
    expect(new Set((await answers).flat())).toEqual(new Set(['permissions, 1']));
    expect(source.questions).toHaveLength(1);
  });

  it('are requested at each call without a cache', async () => {
    const { source, permissions } = open({ freshMs: 0, maxEntries: 0 });
    await permissions.permissionsOf(alice);
    await permissions.permissionsOf(alice);
    expect(source.questions).toHaveLength(2);
  });

  it('are requested again after the clock was set back', async () => {
    const { source, permissions, clock } = open();
    await permissions.permissionsOf(alice);
    clock.advanceSeconds(-1);
    await permissions.permissionsOf(alice);
    expect(source.questions).toHaveLength(2);
  });

  it('are not refused to one token because the issuer has refused another', async () => {
    const { source, permissions } = open();
    source.trouble = (user) => (tokenOf(user) === 'old' ? RefusalError.token('expired', 'It is over') : undefined);
    source.hold();
    const outcomes = ['old', 'new'].map((token) => outcomeOf(permissions.permissionsOf(userOf('alice', { token }))));
    await settle();
    source.release();
    expect(await Promise.all(outcomes)).toEqual(['INVALID_TOKEN expired', 'accepted']);
  });
});

describe('forgetting a user', () => {
  it('sends the next question to the issuer', async () => {
    const { source, permissions, sources } = open();
    await permissions.permissionsOf(alice);
    sources.forget('bob', 'joe');
    sources.forget('alice', 'jim');
    await permissions.permissionsOf(alice);
    expect(source.questions).toHaveLength(1);
    sources.forget('alice', 'joe');
    await permissions.permissionsOf(alice);
    expect(source.questions).toHaveLength(2);
  });

  it('does not cache an answer that is still under way', async () => {
    const { source, permissions, sources } = open();
    source.hold();
    const before = permissions.permissionsOf(alice);
    await settle();
    sources.forget('alice', 'joe');
    const after = permissions.permissionsOf(alice);
    await settle();
    source.release();
    expect([await before, await after]).toEqual([['permissions, 1'], ['permissions, 2']]);
    expect(await permissions.permissionsOf(alice)).toEqual(['permissions, 2']);
  });
});

describe('an outage', () => {
  it('is a fault although an older answer is known, and is reported once', async () => {
    const { source, permissions, clock, events } = open();
    await permissions.permissionsOf(alice);
    clock.advanceSeconds(60);
    source.trouble = () => new UpstreamFailure('timeout', 'joe.example did not answer', null, { retryAfterSeconds: 7 });
    for (let turn = 0; turn < 3; turn += 1) {
      const error = await errorOf(permissions.permissionsOf(alice));
      expect(error).toBeInstanceOf(AuthUnavailableError);
      expect(error).toMatchObject({
        retryAfterSeconds: 7,
        explanation: 'Cannot get permissions from the API of Joe: joe.example did not answer',
      });
    }
    expect(events).toEqual([
      {
        type: 'outage-began',
        what: 'permissions from the API of Joe',
        problem: 'joe.example did not answer',
        consequence: 'Calls that require permissions or organizations of its users are answered with 503',
      },
    ]);
    source.trouble = () => undefined;
    clock.advanceSeconds(30);
    expect(await permissions.permissionsOf(alice)).toEqual(['permissions, 5']);
    expect(events[1]).toEqual({ type: 'outage-ended', what: 'permissions from the API of Joe', lastedSeconds: 30 });
  });

  it.each([
    ['a fault, for any error of the source', new TypeError('secret'), 'SERVER_ERROR'],
    ['the fault that the source throws', new AuthUnavailableError('Another shape', 60), 'SERVER_ERROR'],
    [
      'no fault but a refusal, when the source refuses the token',
      RefusalError.token('revoked', 'Gone'),
      'INVALID_TOKEN revoked',
    ],
  ])('is %s', async (_what, trouble, outcome) => {
    const { source, permissions, events } = open();
    source.trouble = () => trouble;
    expect(await outcomeOf(permissions.organizationsOf(alice))).toBe(outcome);
    expect(JSON.stringify(events)).not.toContain('secret');
    expect(events).toHaveLength(outcome === 'SERVER_ERROR' ? 1 : 0);
    source.trouble = () => undefined;
    expect(await outcomeOf(permissions.organizationsOf(alice))).toBe('accepted');
  });
});

describe('the permission sources', () => {
  it('are found by the issuer of the user, and not for a user created by the app', () => {
    const { sources, permissions } = open();
    expect(sources.find(alice)).toBe(permissions);
    expect(sources.find(userOf('alice', { issuer: 'jim' }))).toBeUndefined();
    expect(sources.find({ ...alice })).toBeUndefined();
  });

  it('set no timer after the app has stopped', async () => {
    const { sources, permissions, timer } = open();
    await permissions.permissionsOf(alice);
    expect(timer.delayMs).not.toBeNull();
    sources.onModuleDestroy();
    expect(timer.delayMs).toBeNull();
  });
});
