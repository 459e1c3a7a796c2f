import { describe, expect, it } from 'vitest';
import { jwtIssuer } from '../../../src/issuers/jwt-issuer.js';
import { openService, TableSource, userOf } from '../../support/opened-profiles.js';
import { errorOf } from '../../support/outcome.js';

describe('a user is looked up', () => {
  it('at the only issuer, by its first name', async () => {
    const source = new TableSource();
    const issuer = jwtIssuer({ issuer: ['joe', 'joseph'], audience: 'api', secret: 's'.repeat(64), profiles: source });
    const { service } = openService([issuer]);
    await service.find('alice');
    await service.get(userOf('alice', { issuer: 'joe' }));
    expect(source.questions).toEqual(['find alice']);
    await service.find('alice', { issuer: 'joseph' });

    expect(source.questions).toEqual(['find alice', 'find alice']);
  });

  it('at the named issuer', async () => {
    const [joe, jim] = [new TableSource(), new TableSource()];
    const { service } = openService({ joe, jim });
    await service.find('alice', { issuer: 'jim' });
    await service.getMany(['bob'], { issuer: 'joe' });

    expect([joe.questions, jim.questions]).toEqual([['find bob'], ['find alice']]);
  });

  it.each([
    ['find', 'find(userId, { issuer })'],
    ['getMany', 'getMany(userIds, { issuer })'],
  ] as const)('and %s has to say which, as an id may be of somebody else elsewhere', async (method, call) => {
    const { service } = openService({ joe: new TableSource(), jim: null });

    expect(await errorOf(method === 'find' ? service.find('alice') : service.getMany(['alice']))).toMatchObject({
      code: 'CONFIGURATION_ERROR',
      path: `UserProfileService.${call}`,
      message:
        `UserProfileService.${call}: the app trusts several providers, and each may know a user of this id. ` +
        'Write one of joe, jim.',
    });
  });

  it.each([
    ['find', async ({ service }: ReturnType<typeof openService>) => service.find('alice', { issuer: 'jack' })],
    ['get', async ({ service }: ReturnType<typeof openService>) => service.get(userOf('alice', { issuer: 'jack' }))],
    [
      'forget',
      async ({ service }: ReturnType<typeof openService>) => {
        service.forget('alice', { issuer: 'jack' });
        return Promise.resolve();
      },
    ],
  ])('and %s refuses an unknown issuer', async (_, attempt) => {
    expect(await errorOf(() => attempt(openService({ joe: new TableSource() })))).toMatchObject({
      code: 'CONFIGURATION_ERROR',
      message: expect.stringMatching(/it is not a trusted issuer\. Write one of joe\.$/) as unknown,
    });
  });
});

describe('without a profile source', () => {
  it('get names the option', async () => {
    const { service } = openService({ joe: null });

    expect(await errorOf(service.get(userOf('alice')))).toMatchObject({
      code: 'CONFIGURATION_ERROR',
      path: 'jwtIssuer({ profiles })',
      message:
        'jwtIssuer({ profiles }): it gives no profiles. Write { get: (user) => … }, which gives the profile of a user.',
    });
  });

  it.each(['find', 'getMany'] as const)('%s names the option', async (method) => {
    const { service } = openService({ joe: { get: () => ({}) } });

    expect(await errorOf(method === 'find' ? service.find('alice') : service.getMany(['alice']))).toMatchObject({
      code: 'CONFIGURATION_ERROR',
      path: 'jwtIssuer({ profiles: { find } })',
      message: expect.stringContaining('it cannot look up users by their id alone') as unknown,
    });
  });

  it('get refuses a user that the guard did not create', async () => {
    const { service } = openService({ joe: new TableSource() });

    await expect(service.get({ ...userOf('alice') })).rejects.toThrow(TypeError);
  });
});
