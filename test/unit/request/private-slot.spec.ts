import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createPrivateSlot } from '../../../src/request/private-slot.js';

interface Note {
  readonly text: string;
}

const note = (text: string): Note => ({ text });

describe('createPrivateSlot', () => {
  it('returns the last value of each object', () => {
    const slot = createPrivateSlot<Note>();
    const [one, other, third] = [{}, {}, {}];
    slot.set(one, note('first'));
    slot.set(other, note('of the other'));
    slot.set(one, note('second'));
    expect([one, other, third].map((holder) => slot.find(holder))).toEqual([
      note('second'),
      note('of the other'),
      undefined,
    ]);
  });

  it('separates two slots of one object', () => {
    const [one, other] = [createPrivateSlot<Note>(), createPrivateSlot<Note>()];
    const request = {};
    one.set(request, note('one'));
    expect(other.find(request)).toBeUndefined();
    other.set(request, note('other'));
    expect(one.find(request)).toEqual(note('one'));
  });

  it.each<[string, (request: object) => object]>([
    ['an object that inherits from it', (request) => Object.create(request) as object],
    ['a copy', (request) => ({ ...request })],
    [
      'a copy with all descriptors',
      (request) => Object.defineProperties({}, Object.getOwnPropertyDescriptors(request)),
    ],
    ['a clone', (request) => structuredClone(request)],
    ['a proxy', (request) => new Proxy(request, {})],
  ])('is not shared with %s', (_, derive) => {
    const slot = createPrivateSlot<Note>();
    const request = { path: '/me' };
    slot.set(request, note('of the request'));
    const derived = derive(request);
    expect(slot.find(derived)).toBeUndefined();
    slot.set(derived, note('of the derived one'));
    expect([slot.find(request), slot.find(derived)]).toEqual([note('of the request'), note('of the derived one')]);
  });

  it('is invisible to enumeration, inspection and comparison', () => {
    const request = { path: '/me' };
    createPrivateSlot<Note>().set(request, note('a secret'));
    expect(Reflect.ownKeys(request)).toEqual(['path']);
    expect(inspect(request, { showHidden: true })).toBe("{ path: '/me' }");
    expect(request).toStrictEqual({ path: '/me' });
  });

  it('calls no trap of a proxy', () => {
    const slot = createPrivateSlot<Note>();
    const refuse = (): never => {
      throw new TypeError('read only');
    };
    const request = new Proxy(
      {},
      { defineProperty: refuse, get: refuse, has: refuse, getOwnPropertyDescriptor: refuse },
    );
    slot.set(request, note('first'));
    slot.set(request, note('second'));
    expect(slot.find(request)).toEqual(note('second'));
  });

  it('holds a value for an object that is not extensible', () => {
    const slot = createPrivateSlot<Note>();
    const holders = [Object.freeze({}), Object.seal([]), Object.preventExtensions(() => 0)];
    for (const [at, holder] of holders.entries()) slot.set(holder, note(String(at)));
    expect(holders.map((holder) => slot.find(holder))).toEqual([note('0'), note('1'), note('2')]);
    expect(slot.find(Object.freeze({}))).toBeUndefined();
  });

  it('replaces the value of an object that was frozen in the meantime', () => {
    const slot = createPrivateSlot<Note>();
    const request = {};
    slot.set(request, note('before'));
    Object.freeze(request);
    expect(slot.find(request)).toEqual(note('before'));
    slot.set(request, note('after'));
    expect(slot.find(request)).toEqual(note('after'));
  });
});
