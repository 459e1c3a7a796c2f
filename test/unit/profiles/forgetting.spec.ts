import { describe, expect, it } from 'vitest';
import { openService, settle, TableSource, userOf } from '../../support/opened-profiles.js';

describe('forget', () => {
  it('makes the next look-up of the user call the provider, and of no other user', async () => {
    const source = new TableSource({ alice: { displayName: 'Alice' }, bob: {} });
    const { service } = openService({ joe: source });
    await service.getMany(['alice', 'bob']);
    source.users['alice'] = { displayName: 'Alicia' };
    service.forget('alice');

    expect(await service.get(userOf('alice'))).toMatchObject({ displayName: 'Alicia' });
    await service.get(userOf('bob'));
    expect(source.questions).toEqual(['find alice', 'find bob', 'get alice by t1']);
  });

  it('during a call makes later look-ups call again, and caches only the later result', async () => {
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

  it('applies to the user of each issuer, or of the named one', async () => {
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

  it('makes a user who was not found be looked up at once', async () => {
    const source = new TableSource({});
    const { service } = openService({ joe: source });
    expect(await service.find('alice')).toBeNull();
    source.users['alice'] = {};
    service.forget('alice');

    expect(await service.find('alice')).not.toBeNull();
  });

  it('does nothing for an unknown user', () => {
    const { service } = openService({ joe: new TableSource() });
    service.forget('unknown');
  });
});
