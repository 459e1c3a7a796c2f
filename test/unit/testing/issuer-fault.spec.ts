import { describe, expect, it } from 'vitest';
import type { IssuerFault } from '../../../src/testing/issuer-fault.js';
import { startIssuer } from '../../support/started-issuer.js';
import { failureOf, openIdPath, statusOf } from './issuer-answers.js';

describe('TestIssuer.fail', () => {
  it('answers 503', async () => {
    const issuer = await startIssuer();
    issuer.fail('503');

    expect(await statusOf(issuer.jwksUri)).toBe(503);
    expect(await statusOf(issuer.url + openIdPath)).toBe(503);
  });

  it.each(['hang', 'drip'] as const)('%s: sends no complete response', async (fault) => {
    const issuer = await startIssuer();
    issuer.fail(fault);
    const giveUp = new AbortController();
    const pending = failureOf(fetch(issuer.jwksUri, { signal: giveUp.signal }).then((answer) => answer.text()));
    await expect.poll(() => issuer.requests.jwks).toBe(1);
    giveUp.abort();

    expect(await pending).toBe('AbortError');
  });

  it('drip: sends the headers, and then one space after the other', async () => {
    const issuer = await startIssuer();
    issuer.fail('drip');
    const answer = await fetch(issuer.jwksUri);
    const reader = (answer.body ?? new ReadableStream()).getReader();
    const seen = [await reader.read(), await reader.read(), await reader.read()];

    expect(answer.status).toBe(200);
    expect(Buffer.concat(seen.map(({ value }) => value as Uint8Array)).toString()).toMatch(/^\{ +$/);
    await reader.cancel();
  });

  it('reset: breaks the connection', async () => {
    const issuer = await startIssuer();
    issuer.fail('reset');

    expect(await failureOf(fetch(issuer.jwksUri))).toBe('ECONNRESET');
  });

  it('garbage: sends a body that is not JSON', async () => {
    const issuer = await startIssuer();
    issuer.fail('garbage');
    const answer = await fetch(issuer.jwksUri);

    expect(answer.headers.get('content-type')).toBe('application/json');
    await expect(answer.json()).rejects.toThrow(SyntaxError);
  });

  it('html: sends an HTML page', async () => {
    const issuer = await startIssuer();
    issuer.fail('html');
    const answer = await fetch(issuer.jwksUri);

    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html']);
  });

  it('empty: sends a document without content', async () => {
    const issuer = await startIssuer();
    issuer.fail('empty');

    expect(await (await fetch(issuer.jwksUri)).json()).toEqual({ keys: [] });
    expect(await (await fetch(issuer.url + openIdPath)).json()).toEqual({});
  });

  it('redirect: redirects to the document, and counts clients that follow', async () => {
    const issuer = await startIssuer({ path: '/realms/demo' });
    issuer.fail('redirect');
    const answer = await fetch(issuer.jwksUri, { redirect: 'manual' });

    expect(answer.status).toBe(302);
    expect(issuer.requests.jwks).toBe(1);
    expect(await (await fetch(issuer.jwksUri)).json()).toEqual(issuer.jwks);
    expect(issuer.requests.jwks).toBe(3);
  });

  it('oversize: sends the document after 8 MiB, without a content-length', async () => {
    const issuer = await startIssuer();
    issuer.fail('oversize');
    const answer = await fetch(issuer.jwksUri);
    const body = await answer.text();

    expect(answer.headers.get('content-length')).toBeNull();
    expect(body.length).toBeGreaterThan(8 * 1024 * 1024);
    expect(JSON.parse(body)).toEqual(issuer.jwks);
  });

  it('oversize: tolerates a client that closes the connection', async () => {
    const issuer = await startIssuer();
    issuer.fail('oversize');
    const answer = await fetch(issuer.jwksUri);
    await answer.body?.cancel();
    issuer.recover();

    expect(await statusOf(issuer.jwksUri)).toBe(200);
  });

  it('applies to the named documents, and each can have a different fault', async () => {
    const issuer = await startIssuer();
    issuer.fail('503', { only: 'jwks' });
    expect([await statusOf(issuer.jwksUri), await statusOf(issuer.url + openIdPath)]).toEqual([503, 200]);

    issuer.fail('redirect', { only: 'discovery' });
    expect([await statusOf(issuer.jwksUri), await statusOf(issuer.url + openIdPath)]).toEqual([503, 302]);

    issuer.recover();
    expect([await statusOf(issuer.jwksUri), await statusOf(issuer.url + openIdPath)]).toEqual([200, 200]);
  });

  it('refuses an unknown fault', async () => {
    const issuer = await startIssuer();

    expect(() => {
      issuer.fail('fire' as IssuerFault);
    }).toThrow('no fault "fire"');
  });
});
