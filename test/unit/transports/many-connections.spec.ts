import { describe, expect, it } from 'vitest';
import { RefusalError } from '../../../src/errors/auth-error.js';
import { WatchStand } from './watch-stand.js';

const number = 4_000;

describe('many connections', () => {
  it('cost a constant number of steps each, for one minute', async () => {
    const stand = new WatchStand();
    for (let opened = 0; opened < number; opened += 1) {
      stand.connect(3_600);
      await stand.pass(3);
    }
    stand.looks = 0;
    await stand.pass(120_000);
    expect(stand.verifications).toBeGreaterThanOrEqual(2 * number);
    expect(stand.verifications).toBeLessThan(2.5 * number);
    expect(stand.looks).toBeLessThan(3 * number);
  });

  it('are verified over several turns of the event loop, and over several seconds', async () => {
    const stand = new WatchStand();
    for (let opened = 0; opened < number; opened += 1) stand.connect(3_600);
    stand.clock.advanceSeconds(51);
    stand.timer.ring();
    expect(stand.verifications).toBe(100);
    await stand.finish();
    expect([stand.verifications, stand.timer.delayMs]).toEqual([number / 10, 1_000]);
  });

  it('are all verified after a revocation, over several turns, and again after another one meanwhile', async () => {
    const stand = new WatchStand();
    for (let opened = 0; opened < number; opened += 1) stand.connect(3_600);
    stand.watch.recheckAll();
    stand.timer.ring();
    expect(stand.verifications).toBe(100);
    stand.watch.recheckAll();
    await stand.finish();
    expect(stand.verifications).toBe(2 * number);
    expect(stand.timer.delayMs).toBe(51_000);
  });

  it('that open during a pass are verified after another revocation', async () => {
    const stand = new WatchStand();
    for (let opened = 0; opened < number; opened += 1) stand.connect(3_600);
    stand.watch.recheckAll();
    stand.timer.ring();
    const late = stand.connectToSource(3_600);
    stand.refusal = RefusalError.token('revoked', 'Its user is revoked');
    stand.watch.recheckAll();
    await stand.finish();
    expect(late.closedFor).toBe('revoked');
  });

  it('are verified when they are due where they open during a long run', async () => {
    const stand = new WatchStand();
    for (let opened = 0; opened < number; opened += 1) stand.connect(3_600);
    stand.watch.recheckAll();
    stand.timer.ring();
    const late = stand.connectToSource(5);
    await stand.finish();
    expect(stand.timer.delayMs).toBe(5_000);
    stand.refusal = RefusalError.token('expired', 'It expired 1 s ago');
    await stand.advance(5);
    expect(late.closedFor).toBe('expired');
  });
});

describe('a connection that is closed', () => {
  it('is dropped at once, and not verified again', async () => {
    const stand = new WatchStand();
    const connection = stand.connect(30);
    expect(stand.watch.size).toBe(1);
    connection.end();
    expect(stand.watch.size).toBe(0);
    await stand.advance(30);
    expect([stand.verifications, stand.timer.delayMs]).toEqual([0, null]);
  });

  it('is not reported by a verification that ends after it', async () => {
    const stand = new WatchStand();
    const connection = stand.connect(30);
    stand.refusal = RefusalError.token('expired', 'It expired 1 s ago');
    stand.clock.advanceSeconds(30);
    stand.timer.ring();
    connection.end();
    await stand.finish();
    expect([stand.watch.size, stand.events, connection.closedFor]).toEqual([0, [], null]);
  });
});

describe('a connection whose handler requires that the issuer confirms the token', () => {
  it('is confirmed by the issuer each minute, and closed when the issuer does not', async () => {
    const stand = new WatchStand();
    const connection = stand.connect(3_600, { online: true });
    await stand.advance(60);
    expect([stand.verifications, stand.confirmations, connection.isOpen]).toEqual([0, 1, true]);
    stand.refusal = RefusalError.token('revoked', 'The issuer says so');
    await stand.advance(60);
    expect(connection.closedFor).toBe('revoked');
  });

  it('is confirmed although another handler does not require it', async () => {
    const stand = new WatchStand();
    const key = {};
    stand.connect(3_600, { key, online: true });
    stand.connect(3_600, { key });
    await stand.advance(60);
    expect([stand.verifications, stand.confirmations]).toEqual([0, 1]);
  });

  it('is verified without the issuer when something was revoked here', async () => {
    const stand = new WatchStand();
    stand.connect(3_600, { online: true });
    stand.watch.recheckAll();
    await stand.advance(0);
    expect([stand.verifications, stand.confirmations]).toEqual([1, 0]);
  });
});
