import { describe, expect, it } from 'vitest';
import { keysFrom } from '../../../src/issuers/remote-keys.js';
import { startDocuments, startServer } from '../../support/answering-server.js';
import { ec, newEc } from './jwk-makers.js';
import { hasKid, kidOf, kidsOf, openIssuer, openSource, openWarmIssuer, renewed, settle } from './opened-source.js';

describe('a remote key source', () => {
  it('makes no call before it is used, and has no keys then', async () => {
    const { source, calls } = await openIssuer();
    const atHand = source.current();
    await settle();

    expect(atHand).toBeNull();
    expect(calls).toEqual([]);
  });

  it('makes one call for a thousand concurrent requests', async () => {
    const { source, calls, issuer } = await openIssuer({ keyDelayMs: 20 });
    const sets = await Promise.all(Array.from({ length: 1_000 }, () => source.obtain(hasKid(kidOf(issuer)))));

    expect(new Set(sets).size).toBe(1);
    expect(kidsOf(sets[0] ?? null)).toEqual([kidOf(issuer)]);
    expect(calls).toHaveLength(1);
  });

  it('keeps the whole set, and finds every key in it', async () => {
    const { source, calls, issuer } = await openIssuer();
    const old = kidOf(issuer);
    await issuer.rotateKeys({ keepOld: true });
    await source.obtain(hasKid(old));
    await source.obtain(hasKid(kidOf(issuer)));

    expect(kidsOf(source.current())).toEqual([kidOf(issuer), old]);
    expect(calls).toHaveLength(1);
  });
});

/** [the header, the lifetime of the set in seconds] */
const lives: readonly (readonly [string | undefined, number])[] = [
  [undefined, 600],
  ['public', 600],
  ['max-age', 600],
  ['s-maxage=7200', 600],
  ['x-max-age=7200', 600],
  ['max-age=300', 300],
  ['public, max-age=7200, must-revalidate', 7_200],
  ['Max-Age="1200"', 1_200],
  ['max-age=0', 60],
  ['max-age=59', 60],
  ['max-age=61', 61],
  ['max-age=86400', 86_400],
  ['max-age=86401', 86_400],
  ['max-age=99999999999999', 86_400],
  ['no-store', 60],
  ['no-cache, max-age=7200', 60],
  ['max-age=7200, NO-STORE', 60],
];

describe('a key set is refreshed', () => {
  it.each(lives)('at four fifths of its lifetime: Cache-Control %s sets it to %d s', async (cacheControl, life) => {
    const { source, calls, clock, issuer } = await openWarmIssuer({ cacheControl });
    const first = source.current();
    clock.advanceSeconds(life * 0.8 - 0.001);
    await source.obtain(hasKid(kidOf(issuer)));
    await settle();
    expect(calls).toHaveLength(1);

    clock.advanceSeconds(0.002);
    // A request at this time does not wait, and gets the current set.
    expect(await source.obtain(hasKid(kidOf(issuer)))).toBe(first);
    await settle();
    expect(calls).toHaveLength(2);
    await expect.poll(() => source.current()).not.toBe(first);
  });

  it('by one call, regardless of the number of concurrent requests', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer({ keyDelayMs: 20 });
    clock.advanceSeconds(500);
    await Promise.all(Array.from({ length: 1_000 }, () => source.obtain(hasKid(kidOf(issuer)))));
    for (let call = 0; call < 100; call += 1) source.current();
    await settle();

    expect(calls).toHaveLength(2);
  });

  it('while it is used, also after its lifetime', async () => {
    const { source, calls, clock, issuer } = await openWarmIssuer();
    const first = source.current();
    clock.advanceSeconds(601);
    expect(await source.obtain(hasKid(kidOf(issuer)))).toBe(first);

    expect(await renewed(source)).not.toBe(first);
    expect(calls).toHaveLength(2);
  });

  it('with the lifetime of the latest response', async () => {
    let cacheControl = 'max-age=7200';
    const { url } = await startServer((_, response) => {
      const headers = { 'content-type': 'application/json', 'cache-control': cacheControl };
      response.writeHead(200, headers).end(JSON.stringify({ keys: [{ ...ec.jwk, kid: 'a' }] }));
    });
    const { source, calls, clock } = openSource(keysFrom(url));
    await source.obtain(hasKid('a'));
    cacheControl = 'max-age=60';
    clock.advanceSeconds(7_201);
    await renewed(source);
    expect(source.state().status).toBe('fresh');
    clock.advanceSeconds(61);

    expect(source.state().status).toBe('stale');
    expect(calls).toHaveLength(2);
  });
});

describe('a refresh', () => {
  it('keeps the object of a key that is still published', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    const old = kidOf(issuer);
    const before = source.current();
    const key = before?.keys[0];
    await issuer.rotateKeys({ keepOld: true });
    clock.advanceSeconds(601);
    const after = await renewed(source);

    expect(after).not.toBe(before);
    expect(after.find(old, 'ES256')).toMatchObject({ kind: 'found' });
    expect(key !== undefined && after.has(key)).toBe(true);
  });

  it('creates a new object for a key whose material has changed under the same id', async () => {
    const documents = { '/keys': { keys: [{ ...ec.jwk, kid: 'a' }] } };
    const { url } = await startDocuments(documents);
    const { source, clock } = openSource(keysFrom(`${url}/keys`));
    const [before] = (await source.obtain(hasKid('a'))).keys;
    documents['/keys'] = { keys: [{ ...newEc().jwk, kid: 'a' }] };
    clock.advanceSeconds(601);
    const after = await renewed(source);

    expect(kidsOf(after)).toEqual(['a']);
    expect(before !== undefined && after.has(before)).toBe(false);
  });

  it('withdraws a key that the issuer has removed', async () => {
    const { source, clock, issuer } = await openWarmIssuer();
    const dropped = kidOf(issuer);
    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(481);
    // The request that starts the refresh still gets the current set.
    expect(kidsOf(source.current())).toEqual([dropped]);
    await expect.poll(() => kidsOf(source.current())).toEqual([kidOf(issuer)]);

    const keys = await source.obtain(hasKid(dropped));
    expect(hasKid(dropped)(keys)).toBe(false);
  });
});
