import { X509Certificate } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TestIssuer } from 'nest-gatehouse/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorContext } from '../../../src/doctor/doctor-check.js';
import { type InspectedIssuer, inspectIssuer } from '../../../src/issuers/issuer-findings.js';
import { IndexedKeySet } from '../../../src/keys/key-set.js';
import { StaticKeySource } from '../../../src/keys/key-source.js';
import { HttpClient } from '../../../src/upstream/http-client.js';
import { endAfterwards } from '../../support/app.js';
import { freePort } from '../../support/free-port.js';
import { client } from '../../vectors/client-certificates.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await TestIssuer.start();
});
afterAll(() => issuer.stop());

const http = new HttpClient();
const inspect = async (name: string, secondsAhead = 0, more: Partial<InspectedIssuer> = {}) => {
  const now = () => new Date(Date.now() + secondsAhead * 1_000);
  const context: DoctorContext = { offline: false, url: null, origin: null, token: null, now, http };
  const inspected = { name, preset: 'oidc', addresses: {}, clockToleranceSeconds: 5, keys: null, ...more };
  return await inspectIssuer(inspected, http, context);
};

/** A server with metadata. @param issuer a path is that of this server */
async function metadataAt({ issuer: stated }: { readonly issuer: string }): Promise<string> {
  const server = createHttpServer((_request, response) => {
    const { port } = server.address() as AddressInfo;
    const name = stated.startsWith('/') ? `http://127.0.0.1:${String(port)}${stated}` : stated;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ issuer: name, jwks_uri: `${name}/keys` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endAfterwards(() => new Promise((resolve) => server.close(resolve)));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

describe('inspectIssuer', () => {
  it.each([
    [0, 'ok'],
    [4, 'ok'],
    [60, 'fail'],
    [-60, 'fail'],
  ])('a clock that is %d s ahead of the server: %s', async (seconds, status) => {
    const findings = await inspect(issuer.url, seconds);
    const clock = findings.find(({ id }) => id === 'issuer-clock');
    expect(clock?.status).toBe(status);
    if (status === 'fail') expect(clock?.found).toMatch(seconds > 0 ? /\d+ s ahead of/ : /\d+ s behind/);
  });

  it('a server that is not there is no wrong name', async () => {
    const [finding] = await inspect(`http://127.0.0.1:${await freePort()}/realms/demo`);
    expect(finding).toMatchObject({ id: 'issuer-discovery', status: 'fail' });
    expect(finding?.found).toContain('ECONNREFUSED');
    expect(finding?.found).toContain('/.well-known/oauth-authorization-server/realms/demo');
    expect(finding?.fix).toContain('no wrong option');
  });

  it('a server that knows no such issuer is', async () => {
    const [finding] = await inspect(`${issuer.url}/realms/demo`);
    expect(finding).toMatchObject({ status: 'fail' });
    expect(finding?.fix).toContain('Correct oidc({ issuer })');
  });

  it.each([
    ['keycloak', '/realms/other', '/realms/demo', 'keycloak({ realm })'],
    ['stackAuth', '/api/v1/projects/p2', '/api/v1/projects/p1', 'stackAuth({ projectId })'],
    ['auth0', '/x', '/y', 'auth0({ domain })'],
  ])('a server that knows another issuer of %s names the option for it', async (preset, configured, stated, option) => {
    const server = await metadataAt({ issuer: stated });
    const [finding] = await inspect(`${server}${configured}`, 0, {
      preset,
      addresses: { metadata: [`${server}/metadata`] },
    });
    expect(finding).toMatchObject({ id: 'issuer-discovery', status: 'fail' });
    expect(finding?.fix).toContain(`in ${option}`);
  });

  it('a Keycloak that the app calls by its inside address, and that names the outside one, is right', async () => {
    const server = await metadataAt({ issuer: 'https://id.example.com/realms/demo' });
    const addresses = { metadata: [`${server}/metadata`], keys: [`${server}/keys`] };
    const [finding] = await inspect('https://id.example.com/realms/demo', 0, { preset: 'keycloak', addresses });
    expect(finding).toMatchObject({ id: 'issuer-discovery', status: 'ok' });
    expect(finding?.found).toContain(`(${server}/metadata)`);
  });

  it('one that names itself by the address at which it is asked is a warning', async () => {
    const server = await metadataAt({ issuer: '/realms/demo' });
    const addresses = { metadata: [`${server}/metadata`], keys: [`${server}/keys`] };
    const [finding] = await inspect('https://id.example.com/realms/demo', 0, { preset: 'keycloak', addresses });
    expect(finding).toMatchObject({
      status: 'warn',
      expected: expect.stringContaining('https://id.example.com') as string,
    });
    expect(finding?.fix).toContain('hostname');
  });

  it('an inside address as the name leads to the option for it', async () => {
    const server = await metadataAt({ issuer: 'https://id.example.com/realms/demo' });
    const addresses = { metadata: [`${server}/metadata`], keys: [`${server}/keys`] };
    const [finding] = await inspect(`${server}/realms/demo`, 0, { preset: 'keycloak', addresses });
    expect(finding).toMatchObject({ status: 'fail' });
    expect(finding?.fix).toContain('in keycloak({ serverUrl })');
    expect(finding?.fix).toContain('into keycloak({ internalUrl })');
  });

  it('keys at a written address that are not those of the issuer', async () => {
    const other = await TestIssuer.start();
    endAfterwards(() => other.stop());
    const keys = new StaticKeySource(new IndexedKeySet([]));
    const given = (url: string) => ({ keys, addresses: { keys: [url], hasGivenKeys: true } });
    const wrong = (await inspect(issuer.url, 0, given(other.jwksUri))).find(({ id }) => id === 'issuer-keys');
    expect(wrong).toMatchObject({ status: 'fail', expected: `the keys at ${issuer.jwksUri}` });
    expect(wrong?.fix).toContain('Leave jwksUri out of oidc()');
    const sameKeys = `${issuer.jwksUri}?mirror`;
    const right = (await inspect(issuer.url, 0, given(sameKeys))).find(({ id }) => id === 'issuer-keys');
    expect(right).toMatchObject({ status: 'ok' });
  });

  it('the certificate of its server, before and after it expires', async () => {
    const server = createServer({ key: client.key, cert: client.cert });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endAfterwards(() => new Promise((resolve) => server.close(resolve)));
    const name = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const until = new Date(new X509Certificate(client.cert).validTo).getTime();
    const statusAt = async (days: number) => {
      const findings = await inspect(name, (until - Date.now()) / 1_000 - days * 86_400);
      return findings.find(({ id }) => id === 'issuer-certificate');
    };
    expect(await statusAt(15)).toMatchObject({ status: 'ok' });
    expect(await statusAt(13)).toMatchObject({
      status: 'warn',
      found: expect.stringContaining('expires on 2126-') as string,
    });
    expect(await statusAt(-1)).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('has expired') as string,
    });
  });

  it('a name that is no address is not called', async () => {
    expect(await inspect('my-issuer')).toMatchObject([{ id: 'issuer-discovery', status: 'skipped' }]);
  });
});
