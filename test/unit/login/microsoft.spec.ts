import { beforeAll, describe, expect, it } from 'vitest';
import { microsoft } from '../../../src/login/providers/microsoft.js';
import { login, openLogin, ProviderStand, registration } from '../../support/provider-stand.js';
import { configurationErrorOf, outcomeOf } from '../../support/outcome.js';

const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';
const tenantA = '11111111-2222-3333-4444-555555555555';
const tenantB = '99999999-8888-7777-6666-555555555555';
const oid = '0f0f0f0f-0000-4000-8000-000000000001';

let stand: ProviderStand;
beforeAll(async () => {
  stand = await ProviderStand.start();
}, 30_000);

/** The name that the metadata of a tenant have, in which Microsoft leaves the id out where it is not one. */
const namedIn: Readonly<Record<string, string>> = { common: '{tenantid}', organizations: '{tenantid}', consumers };

function open(tenant?: string) {
  const asked = tenant ?? 'common';
  const issuer = `${stand.url}/${namedIn[asked] ?? asked}/v2.0`;
  stand.replies[`/${asked}/v2.0/.well-known/openid-configuration`] = () => ({ body: stand.metadata({ issuer }) });
  const options = { ...registration, authority: stand.url, ...(tenant !== undefined && { tenant }) };
  return openLogin(microsoft(options), stand).client;
}

/** The token of an account in a tenant. */
function answer(tid: unknown, claims: object = {}): void {
  const iss = `${stand.url}/${String(tid)}/v2.0`;
  stand.replies['/token'] = () => ({ body: stand.tokens({ claims: { tid, oid, iss, sub: 'pairwise', ...claims } }) });
}

describe('a Microsoft account', () => {
  it('has the id of its tenant and its own', async () => {
    answer(tenantA);

    expect((await open().exchange(login)).identity).toMatchObject({
      provider: 'microsoft',
      subject: `${tenantA}:${oid}`,
    });
  });

  it.each<[string | undefined, string, string]>([
    [undefined, tenantA, 'accepted'],
    [undefined, consumers, 'accepted'],
    ['common', consumers, 'accepted'],
    ['organizations', tenantA, 'accepted'],
    ['organizations', consumers, 'LOGIN_REFUSED'],
    ['consumers', consumers, 'accepted'],
    ['consumers', tenantA, 'LOGIN_REFUSED'],
    [tenantA, tenantA, 'accepted'],
    [tenantA, tenantB, 'LOGIN_REFUSED'],
    [tenantA, consumers, 'LOGIN_REFUSED'],
  ])('with the option tenant %s, of the tenant %s: %s', async (tenant, tid, outcome) => {
    answer(tid);

    expect(await outcomeOf(open(tenant).exchange(login))).toBe(outcome);
  });

  it.each<[string, unknown, object]>([
    [
      'whose issuer is another tenant than its own',
      tenantA,
      { iss: `https://login.microsoftonline.com/${tenantB}/v2.0` },
    ],
    ['whose issuer is the text of the metadata', '{tenantid}', {}],
    ['whose tenant is missing', undefined, {}],
    ['whose tenant is part of a path', `${tenantA}/x`, {}],
    ['without its own id', tenantA, { oid: undefined }],
    ['whose id is a number', tenantA, { oid: 7 }],
  ])('%s is refused', async (_, tid, claims) => {
    answer(tid, claims);

    expect(await outcomeOf(open().exchange(login))).toBe('LOGIN_REFUSED');
  });

  it('of another tenant cannot take the place of one with the same object id', async () => {
    answer(tenantA);
    const one = await open().exchange(login);
    answer(tenantB);
    const other = await open().exchange(login);

    expect(one.identity.subject).not.toBe(other.identity.subject);
  });
});

describe('the address of a Microsoft account', () => {
  it.each<[string, object, boolean]>([
    ['with xms_edov true', { xms_edov: true }, true],
    ['with xms_edov 1', { xms_edov: 1 }, true],
    ['with xms_edov as text', { xms_edov: '1' }, true],
    ['with xms_edov false', { xms_edov: false }, false],
    ['with xms_edov 0', { xms_edov: '0' }, false],
    ['among the verified ones', { verified_primary_email: ['ALICE@example.com'] }, true],
    ['not among the verified ones', { verified_primary_email: ['bob@example.com'] }, false],
    // What email_verified says is not Microsoft's word: the helper of these tests sets it to true.
    ['that an administrator wrote', {}, false],
    [
      'in preferred_username alone',
      { email: undefined, preferred_username: 'alice@example.com', xms_edov: true },
      false,
    ],
  ])('%s is vouched for: %s', async (_, claims, expected) => {
    answer(tenantA, claims);
    stand.replies['/userinfo'] = { body: { sub: 'pairwise' } };
    const { identity, vouchesForEmail } = await open().exchange(login);

    expect([identity.emailVerified, vouchesForEmail]).toEqual([expected, expected]);
  });

  it('from the userinfo endpoint is not covered by a claim of the ID token', async () => {
    answer(tenantA, { email: undefined, xms_edov: true });
    stand.replies['/userinfo'] = { body: { sub: 'pairwise', email: 'alice@example.com', email_verified: true } };
    const { identity, vouchesForEmail } = await open().exchange(login);

    expect([identity.email, identity.emailVerified, vouchesForEmail]).toEqual(['alice@example.com', false, false]);
  });
});

describe('microsoft', () => {
  it('signs its answers under the name of a tenant, where it does', async () => {
    const client = open();

    expect(await outcomeOf(client.checkIssuer(null))).toBe('accepted');
    expect(await outcomeOf(client.checkIssuer(`${stand.url}/${tenantA}/v2.0`))).toBe('accepted');
    for (const name of ['https://evil.example', `${stand.url}/{tenantid}/v2.0`, `${stand.url}/${tenantA}/v2.0/`, '']) {
      expect(await outcomeOf(client.checkIssuer(name))).toBe('LOGIN_STATE');
    }
    expect(await outcomeOf(open('organizations').checkIssuer(`${stand.url}/${consumers}/v2.0`))).toBe('LOGIN_STATE');
  });

  it('reads the metadata of the public cloud', () => {
    const { metadata } = microsoft(registration);

    expect('discovered' in metadata && metadata.discovered.name).toBe(
      'https://login.microsoftonline.com/{tenantid}/v2.0',
    );
  });

  it.each([
    [{ tenant: 'contoso.onmicrosoft.com' }, 'microsoft({ tenant })'],
    [{ tenant: '' }, 'microsoft({ tenant })'],
    [{ authority: 'https://login.microsoftonline.com/common' }, 'microsoft({ authority })'],
  ])('refuses the options %j', (more, path) => {
    expect(configurationErrorOf(() => microsoft({ ...registration, ...more })).path).toBe(path);
  });
});
