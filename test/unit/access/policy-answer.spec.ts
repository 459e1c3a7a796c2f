/** Only `true` grants a call. */
import { describe, expect, it } from 'vitest';
import { readPolicyAnswer } from '../../../src/access/policy-evaluator.js';

const invalid = (description: string) => ({ kind: 'invalid', description });
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
    [undefined, invalid('undefined')],
    [null, invalid('null')],
    [1, invalid('a number')],
    [0, invalid('a number')],
    [Symbol('yes'), invalid('a symbol')],
    [() => true, invalid('a function')],
    [[true], invalid('a list')],
    [new Boolean(true), invalid('an object')],
    [{ granted: true }, invalid('an object')],
    [{ granted: 'false' }, invalid('an object')],
    [Object.create({ granted: false }), invalid('an object')],
    [{ id: 1, secret: 'a row of the database' }, invalid('an object')],
  ])('%o', (answer: unknown, read) => {
    expect(readPolicyAnswer(answer)).toEqual(read);
  });
});
