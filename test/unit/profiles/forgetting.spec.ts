import { describe, expect, it } from 'vitest';
import { openService, settle, TableSource, userOf } from '../../support/opened-profiles.js';

describe('a user who is forgotten', () => {
  it('is asked for the next time, and others are not', async () => {
    const source = new TableSource({ alice: { displayName: 'Alice' }, bob: {} });
    const { service } = openService({ joe: source });
    await service.getMany(['alice', 'bob']);
    source.users['alice'] = { displayName: 'Alicia' };
    service.forget('alice');

    expect(await service.get(userOf('alice'))).toMatchObject({ displayName: 'Alicia' });
    await service.get(userOf('bob'));
    expect(source.questions).toEqual(['find alice', 'find bob', 'get alice by t1']);
  });

  it('while they are asked for, is asked for again by whoever comes later, and only that is kept', async () => {
    const source = new TableSource();
    const { service } = openService({ joe: source });
    source.hold();
    const before = service.get(userOf('alice'));
    await settle();
    service.forget('alice');
    source.users['alice'] = { displayName: 'Alicia' };
    const after = service.get(userOf('alice'));
    await settle();
    expect(source.questions).toHaveLength(2);
    source.release();
    await Promise.all([before, after]);

    expect(await service.lookUp(userOf('alice'))).toMatchObject({
      freshness: 'cached',
      profile: { displayName: 'Alicia' },
    });
    expect(source.questions).toHaveLength(2);
  });

  it('is the one of each issuer, or of the one that is named', async () => {
    const [joe, jim] = [new TableSource(), new TableSource()];
    const { service } = openService({ joe, jim });
    const both = async (): Promise<void> => {
      await service.get(userOf('alice', { issuer: 'joe' }));
      await service.get(userOf('alice', { issuer: 'jim' }));
    };
    await both();
    service.forget('alice', { issuer: 'jim' });
    await both();
    expect([joe.questions.length, jim.questions.length]).toEqual([1, 2]);
    service.forget('alice');
    await both();
    expect([joe.questions.length, jim.questions.length]).toEqual([2, 3]);
  });

  it('who was not there is looked for at once', async () => {
    const source = new TableSource({});
    const { service } = openService({ joe: source });
    expect(await service.find('alice')).toBeNull();
    source.users['alice'] = {};
    service.forget('alice');

    expect(await service.find('alice')).not.toBeNull();
  });

  it('is no trouble where anonymousCaller is known', () => {
    const { service } = openService({ joe: new TableSource() });
    service.forget('anonymousCaller');
  });
});
