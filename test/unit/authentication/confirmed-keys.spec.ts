/** What strangers with invented keys may cost: calls in progress, calls that wait, and memory; and that known keys do not wait. */
import { describe, expect, it } from 'vitest';
import type { ApiKeySource, ConfirmedApiKey } from '../../../src/authentication/api-key-source.js';
import { ConfirmedKeys } from '../../../src/authentication/confirmed-keys.js';
import { RefusalError } from '../../../src/errors/auth-error.js';
import { ManualClock } from '../../support/manual-clock.js';
import { outcomeOf } from '../../support/outcome.js';

/** A provider whose answers about unknown keys wait until they are released. */
function openKeys() {
  const clock = new ManualClock();
  const waiting: (() => void)[] = [];
  const asked: { readonly text: string; readonly isKnown: boolean }[] = [];
  const check = async (text: string, { isKnown }: { readonly isKnown: boolean }): Promise<ConfirmedApiKey> => {
    asked.push({ text, isKnown });
    if (text.startsWith('junk')) {
      await new Promise<void>((resolve) => waiting.push(resolve));
      throw RefusalError.apiKey('key', 'It is junk');
    }
    return { id: text, owner: { id: 'alice' }, expiresAt: null };
  };
  const source: ApiKeySource = { name: 'keys', prefixes: null, findFault: () => undefined, check };
  const keys = new ConfirmedKeys({ source, issuer: 'https://id.example', clock, report: () => undefined, ended: null });
  const release = async (): Promise<void> => {
    while (waiting.length > 0) {
      for (const answer of waiting.splice(0)) answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { keys, clock, waiting, asked, release };
}

describe('unknown keys under way', () => {
  it('are 32 calls at most, wait 200 of a network and 4000 in all, and known keys do not wait with them', async () => {
    const { keys, clock, waiting, asked, release } = openKeys();
    await keys.verify('good', 'home');
    clock.advanceSeconds(30);
    const junk = Array.from({ length: 6_000 }, (_, at) => outcomeOf(keys.verify(`junk ${at}`, `network ${at % 30}`)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(waiting).toHaveLength(32);
    // It was confirmed before, so it does not wait, and the provider is told so.
    await keys.verify('good', 'home');
    expect(asked.at(-1)).toEqual({ text: 'good', isKnown: true });
    // One that is not known waits for its turn, and has it: the places of a few networks do not keep it out.
    const fresh = outcomeOf(keys.verify('new', 'home'));
    await release();
    expect(await fresh).toBe('accepted');
    const outcomes = await Promise.all(junk);
    expect(outcomes.filter((outcome) => outcome === 'INVALID_TOKEN key').length).toBeLessThanOrEqual(4_032);
    expect(outcomes.filter((outcome) => outcome === 'SERVER_ERROR').length).toBeGreaterThanOrEqual(1_968);
    expect(new Set(outcomes)).toEqual(new Set(['INVALID_TOKEN key', 'SERVER_ERROR']));
    expect(asked.length).toBeLessThanOrEqual(4_035);
  });

  it('keep no more than 10,000 refusals, so that the memory does not grow with their number', async () => {
    const { keys, asked, release } = openKeys();
    const verify = async (text: string): Promise<void> => {
      const outcome = outcomeOf(keys.verify(text, 'network'));
      await new Promise((resolve) => setImmediate(resolve));
      await release();
      await outcome;
    };
    for (let at = 0; at <= 10_000; at += 1) await verify(`junk ${at}`);
    const before = asked.length;
    await verify('junk 10000');
    expect(asked).toHaveLength(before);
    await verify('junk 0');
    expect(asked).toHaveLength(before + 1);
  });

  it('do not end a known key whose clock is set back, and ask again', async () => {
    const { keys, clock, asked } = openKeys();
    const first = await keys.verify('good', null);
    expect([keys.recall('good'), keys.holds(first)]).toEqual([first, true]);
    clock.advanceSeconds(-60);
    expect([keys.recall('good'), keys.holds(first)]).toEqual([undefined, false]);
    await keys.verify('good', null);
    expect(asked).toHaveLength(2);
  });
});
