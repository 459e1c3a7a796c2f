import { describe, expect, it } from 'vitest';
import { deepFreeze } from '../../../src/token/json-object.js';

function everythingIn(value: unknown): readonly object[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(everythingIn)];
}

describe('deepFreeze', () => {
  it('freezes every object and list at every depth', () => {
    const value = JSON.parse('{"a":[{"b":{"c":[[],{}]}}],"__proto__":{"d":{}},"e":null,"f":1}') as object;
    const frozen = deepFreeze(value);

    expect(frozen).toBe(value);
    expect(everythingIn(frozen).length).toBe(9);
    expect(everythingIn(frozen).filter((part) => !Object.isFrozen(part))).toEqual([]);
  });

  it('does not freeze the prototype of all objects', () => {
    deepFreeze(JSON.parse('{"__proto__":{},"constructor":{"prototype":{}}}'));

    expect(Object.isFrozen(Object.prototype)).toBe(false);
    expect(Object.isFrozen(Object)).toBe(false);
  });

  it.each([null, undefined, 1, 'a', true])('returns %j unchanged', (value) => {
    expect(deepFreeze(value)).toBe(value);
  });
});
