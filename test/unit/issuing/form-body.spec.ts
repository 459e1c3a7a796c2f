import { describe, expect, it } from 'vitest';
import { readFormBody } from '../../../src/issuing/form-body.js';

const headers = { 'content-type': 'application/x-www-form-urlencoded' };
const read = (body: unknown) => readFormBody({ headers, body });

describe('a form', () => {
  it('has each value under its name, in their order', async () => {
    const form = await read('scope=a+b&scope=c%26&&token=&x');
    expect([...form]).toEqual([
      ['scope', ['a b', 'c&']],
      ['token', ['']],
      ['x', ['']],
    ]);
    expect((await read('a&'.repeat(64))).get('a')).toHaveLength(64);
  });

  // Copying the list of a name for each of its values takes minutes of CPU for 64 KiB.
  it.each(['a&', 'a=&', '%61&', 'a', 'ab&'])(
    'is refused with thousands of parameters, in no time: %j',
    async (pair) => {
      const text = pair.repeat(Math.floor(65_536 / pair.length));
      const outcome = read(text);
      if (pair === 'a') expect([...(await outcome).keys()]).toEqual([text]);
      else await expect(outcome).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
      const parsed = { a: new Array<string>(30_000).fill('') };
      await expect(read(parsed)).rejects.toMatchObject({ explanation: 'It has more than 64 parameters' });
    },
  );
});
