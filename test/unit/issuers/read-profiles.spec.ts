import { describe, expect, it } from 'vitest';
import { readProfiles } from '../../../src/issuers/read-profiles.js';
import { createdOf } from '../../support/created.js';
import { configurationErrorOf } from '../../support/outcome.js';

const get = () => null;

describe("a source of profiles of the app's own", () => {
  it('may be left out, and is then missing', () => {
    expect(readProfiles('jwtIssuer', {})).toMatchObject({ missing: { option: 'jwtIssuer({ profiles })' } });
  });

  it('is called as it is, also when it is a service of the app with private members', () => {
    class Accounts {
      readonly #name = 'Alice';

      get() {
        return { displayName: this.#name };
      }
    }
    const source = new Accounts();
    const created = createdOf(readProfiles('jwtIssuer', { profiles: source }), {} as never);

    expect(created.get({} as never)).toEqual({ displayName: 'Alice' });
    expect(Object.isFrozen(source)).toBe(false);
  });

  it.each([
    { get },
    { get, find: get },
    { get, find: undefined, getMany: () => [], findDisabledReason: () => undefined, access: 'admin', mostAtOnce: 1 },
    { get, findBar: () => undefined },
  ])('may have all members of a source: %j', (profiles) => {
    expect(createdOf(readProfiles('jwtIssuer', { profiles }), {} as never)).toMatchObject(
      Object.fromEntries(
        Object.entries(profiles).filter(([, value]) => typeof value !== 'function' && value !== undefined),
      ),
    );
  });

  it.each([null, 'accounts', [], {}, { find: get }, { get: 'x' }, get])(
    'has a function get, else it is none: %j',
    (profiles) => {
      const { path, message } = configurationErrorOf(() => readProfiles('jwtIssuer', { profiles }));

      expect(path).toBe('jwtIssuer({ profiles })');
      expect(message).toContain('Write { get: (user) => … }');
    },
  );

  it.each([
    ['find', 'x', 'a function'],
    ['getMany', null, 'a function'],
    ['findDisabledReason', true, 'a function'],
    ['findBar', true, 'a function'],
    ['access', 7, 'a text'],
    ['mostAtOnce', 0, 'a whole number from 1'],
    ['mostAtOnce', '100', 'a whole number from 1'],
    ['mostAtOnce', Number.NaN, 'a whole number from 1'],
  ])('is checked at the start: %s is %j', (name, value, expected) => {
    const { path, message } = configurationErrorOf(() => readProfiles('oidc', { profiles: { get, [name]: value } }));

    expect(path).toBe(`oidc({ profiles: { ${name} } })`);
    expect(message).toContain(`${expected} is expected`);
  });

  it('is refused with findDisabledReason and its deprecated name findBar together', () => {
    const profiles = { get, findDisabledReason: () => undefined, findBar: () => undefined };
    const { path, fix } = configurationErrorOf(() => readProfiles('oidc', { profiles }));

    expect(path).toBe('oidc({ profiles: { findDisabledReason } })');
    expect(fix).toBe('Leave out findBar');
  });
});
