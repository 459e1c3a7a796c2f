import { describe, expect, it } from 'vitest';
import { chain, isThenable, recover } from '../../../src/token/maybe-promise.js';

/** Of no class, as a query builder is. */
const thenable = { then: (resolve: (value: number) => unknown) => Promise.resolve(resolve(1)) };

describe('isThenable', () => {
  it.each([
    ['a promise', Promise.resolve(1), true],
    ['an object with a then', thenable, true],
    ['a function with a then', Object.assign(() => 1, { then: () => 1 }), true],
    ['an object with another then', { then: 1 }, false],
    ['a function', () => 1, false],
    ['null', null, false],
    ['undefined', undefined, false],
    ['a text', 'then', false],
  ])('knows %s', (_, value, expected) => {
    expect(isThenable(value)).toBe(expected);
  });
});

describe('chain', () => {
  it('continues at once with a value that is at hand', () => {
    expect(chain(1, (value) => value + 1)).toBe(2);
  });

  it('continues with the value of a promise, and gives a promise', async () => {
    const chained = chain(Promise.resolve(1), (value) => value + 1);
    expect(isThenable(chained)).toBe(true);
    expect(await chained).toBe(2);
    expect(await chain(1, async (value) => value + 1)).toBe(2);
  });

  it('throws at once what the next step throws at once, and rejects otherwise', async () => {
    const refuse = (): never => {
      throw new Error('refused');
    };
    expect(() => chain(1, refuse)).toThrow('refused');
    await expect(chain(Promise.resolve(1), refuse)).rejects.toThrow('refused');
    await expect(chain(Promise.reject(new Error('before')), refuse)).rejects.toThrow('before');
  });
});

describe('recover', () => {
  const fail = (): never => {
    throw new Error('failed');
  };
  const toMessage = (error: unknown): string => (error as Error).message;

  it('gives the value where there is no error, at once where it is at hand', async () => {
    expect(recover(() => 'value', toMessage)).toBe('value');
    expect(await recover(async () => 'value', toMessage)).toBe('value');
  });

  it('continues with the error, thrown or rejected', async () => {
    expect(recover<string>(fail, toMessage)).toBe('failed');
    expect(await recover<string>(async () => fail(), toMessage)).toBe('failed');
  });

  it('lets the error of onError through', async () => {
    const other = (): never => {
      throw new Error('other');
    };
    expect(() => recover(fail, other)).toThrow('other');
    await expect(recover(async () => fail(), other)).rejects.toThrow('other');
  });
});
