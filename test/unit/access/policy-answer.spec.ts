/** Only `true` lets anybody pass. */
import { describe, expect, it } from 'vitest';
import { readPolicyAnswer } from '../../../src/access/policy-evaluator.js';

const nonsense = (given: string) => ({ kind: 'nonsense', given });
const refused = (reason: string | null) => ({ kind: 'refused', reason });

describe('the result of a policy', () => {
  it.each([
    [true, { kind: 'granted' }],
    [false, refused(null)],
    ['', refused(null)],
    ['not the owner', refused('not the owner')],
    ['true', refused('true')],
    [{ granted: false, reason: 'not the owner' }, refused('not the owner')],
    [{ granted: false }, refused(null)],
    [{ granted: false, reason: { secret: 1 } }, refused(null)],
    [undefined, nonsense('undefined')],
    [null, nonsense('null')],
    [1, nonsense('a number')],
    [0, nonsense('a number')],
    [Symbol('yes'), nonsense('a symbol')],
    [() => true, nonsense('a function')],
    [[true], nonsense('a list')],
    [new Boolean(true), nonsense('an object')],
    [{ granted: true }, nonsense('an object')],
    [{ granted: 'false' }, nonsense('an object')],
    [Object.create({ granted: false }), nonsense('an object')],
    [{ id: 1, secret: 'a row of the database' }, nonsense('an object')],
  ])('%o', (answer: unknown, read) => {
    expect(readPolicyAnswer(answer)).toEqual(read);
  });
});
