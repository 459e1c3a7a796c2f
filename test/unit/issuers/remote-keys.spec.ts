import { describe, expect, it } from 'vitest';
import { discoveredIssuer } from '../../../src/issuers/discovered-issuer.js';
import { discoveredKeys, keysFrom } from '../../../src/issuers/remote-keys.js';
import { startDocuments } from '../../support/answering-server.js';
import { startIssuer } from '../../support/started-issuer.js';
import { ec, newEc } from '../keys/jwk-makers.js';
import { faultOf, hasKid, kidOf, kidsOf, openSource, renewed } from '../keys/opened-source.js';

const openId = '/.well-known/openid-configuration';
const keyPath = '/.well-known/jwks.json';
const strict = { insecureHttp: false };

async function openDiscovered(options: Parameters<typeof startIssuer>[0] = {}) {
  const issuer = await startIssuer(options);
  return { issuer, ...openSource(discoveredKeys(discoveredIssuer([issuer.url], strict))) };
}

describe('keys at a known address', () => {
  it('are fetched from it, and nothing else is called', async () => {
    const issuer = await startIssuer();
    const { source, calls } = openSource(keysFrom(issuer.jwksUri));

    expect(kidsOf(await source.obtain(hasKid(kidOf(issuer))))).toEqual([kidOf(issuer)]);
    expect(calls).toEqual([keyPath]);
  });
});

describe('keys of an issuer that says where they are', () => {
  it.each(['oidc', 'oauth'] as const)('are found by its document: %s', async (discovery) => {
    const { source, issuer } = await openDiscovered({ discovery, path: '/realms/x' });

    expect(kidsOf(await source.obtain(hasKid(kidOf(issuer))))).toEqual([kidOf(issuer)]);
  });

  it('cost one look for a thousand who ask first', async () => {
    const { source, calls, issuer } = await openDiscovered({ keyDelayMs: 20 });
    await Promise.all(Array.from({ length: 1_000 }, () => source.obtain(hasKid(kidOf(issuer)))));

    expect(calls).toEqual([openId, keyPath]);
  });

  it('are refreshed without another look while the place works', async () => {
    const { source, calls, clock, issuer } = await openDiscovered();
    await source.obtain(hasKid(kidOf(issuer)));
    await source.obtain(hasKid('made-up'));
    clock.advanceSeconds(601);
    await renewed(source);

    expect(calls).toEqual([openId, keyPath, keyPath, keyPath]);
  });

  it('are discovered again after the address has failed, and found at the new one', async () => {
    const documents: Record<string, unknown> = { '/old': { keys: [{ ...ec.jwk, kid: 'old' }] } };
    const { url } = await startDocuments(documents);
    documents[openId] = { issuer: url, jwks_uri: `${url}/old` };
    const { source, calls, clock } = openSource(discoveredKeys(discoveredIssuer([url], strict)));
    await source.obtain(hasKid('old'));

    delete documents['/old'];
    documents['/new'] = { keys: [{ ...newEc().jwk, kid: 'new' }] };
    documents[openId] = { issuer: url, jwks_uri: `${url}/new` };
    clock.advanceSeconds(601);
    expect(kidsOf(await source.obtain(hasKid('old')))).toEqual(['old']);
    await expect.poll(() => source.state().lastError).not.toBeNull();
    expect(kidsOf(await source.obtain(hasKid('new')))).toEqual(['new']);
    expect(calls).toEqual([openId, '/old', '/old', openId, '/new']);
  });

  it('wait for an issuer that is down at the start', async () => {
    const { source, events, issuer } = await openDiscovered();
    issuer.fail('503', { only: 'discovery' });
    await faultOf(source.obtain(hasKid(kidOf(issuer))));
    issuer.recover();

    expect(kidsOf(await source.obtain(hasKid(kidOf(issuer))))).toEqual([kidOf(issuer)]);
    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
    expect(events[0]).toMatchObject({ what: `the keys of ${issuer.url}` });
  });

  it('need no look while only the document is down', async () => {
    const { source, clock, events, issuer } = await openDiscovered();
    await source.obtain(hasKid(kidOf(issuer)));
    issuer.fail('503', { only: 'discovery' });
    await issuer.rotateKeys({ keepOld: false });
    clock.advanceSeconds(601);

    expect(kidsOf(await renewed(source))).toEqual([kidOf(issuer)]);
    expect(events).toEqual([]);
  });

  it('are not taken from an issuer that calls itself another', async () => {
    const issuer = await startIssuer();
    const { source, calls } = openSource(discoveredKeys(discoveredIssuer([`${issuer.url}/`], strict)));
    const { explanation } = await faultOf(source.obtain(hasKid(kidOf(issuer))));

    expect(explanation).toContain('the name of another issuer');
    expect(calls).toEqual([openId]);
  });

  it('are found by a document at the configured address, under any name of the issuer', async () => {
    const issuer = await startIssuer({ path: '/inside' });
    const names = ['https://login.example', issuer.url];
    const { source, calls } = openSource(discoveredKeys(discoveredIssuer(names, strict, `${issuer.url}${openId}`)));

    expect(kidsOf(await source.obtain(hasKid(kidOf(issuer))))).toEqual([kidOf(issuer)]);
    expect(calls).toEqual([`/inside${openId}`, `/inside${keyPath}`]);
  });

  it('are looked for by each app itself: two that share the preset share no address', async () => {
    const issuer = await startIssuer();
    const openKeys = discoveredKeys(discoveredIssuer([issuer.url], strict));
    const [first, second] = [openSource(openKeys), openSource(openKeys)];
    await first.source.obtain(hasKid(kidOf(issuer)));
    await second.source.obtain(hasKid(kidOf(issuer)));

    expect(second.calls).toEqual([openId, keyPath]);
  });
});
