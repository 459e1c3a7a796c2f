import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createPrivateSlot } from '../../../src/request/private-slot.js';

interface Note {
  readonly says: string;
}

const note = (says: string): Note => ({ says });

describe('createPrivateSlot', () => {
  it('gives the last value of each object', () => {
    const member = createPrivateSlot<Note>();
    const [one, other, third] = [{}, {}, {}];
    member.set(one, note('first'));
    member.set(other, note('of the other'));
    member.set(one, note('second'));
    expect([one, other, third].map((holder) => member.find(holder))).toEqual([
      note('second'),
      note('of the other'),
      undefined,
    ]);
  });

  it('keeps two members of one object apart', () => {
    const [one, other] = [createPrivateSlot<Note>(), createPrivateSlot<Note>()];
    const request = {};
    one.set(request, note('one'));
    expect(other.find(request)).toBeUndefined();
    other.set(request, note('other'));
    expect(one.find(request)).toEqual(note('one'));
  });

  it.each<[string, (request: object) => object]>([
    ['an heir', (request) => Object.create(request) as object],
    ['a copy', (request) => ({ ...request })],
    [
      'a copy with all descriptors',
      (request) => Object.defineProperties({}, Object.getOwnPropertyDescriptors(request)),
    ],
    ['a clone', (request) => structuredClone(request)],
    ['a proxy', (request) => new Proxy(request, {})],
  ])('is not shared with %s', (_, derive) => {
    const member = createPrivateSlot<Note>();
    const request = { path: '/me' };
    member.set(request, note('of the request'));
    const derived = derive(request);
    expect(member.find(derived)).toBeUndefined();
    member.set(derived, note('of the derived one'));
    expect([member.find(request), member.find(derived)]).toEqual([note('of the request'), note('of the derived one')]);
  });

  it('cannot be seen, whoever looks', () => {
    const request = { path: '/me' };
    createPrivateSlot<Note>().set(request, note('a secret'));
    expect(Reflect.ownKeys(request)).toEqual(['path']);
    expect(inspect(request, { showHidden: true })).toBe("{ path: '/me' }");
    expect(request).toStrictEqual({ path: '/me' });
  });

  it('asks no trap of a proxy to take it', () => {
    const member = createPrivateSlot<Note>();
    const refuse = (): never => {
      throw new TypeError('read only');
    };
    const request = new Proxy(
      {},
      { defineProperty: refuse, get: refuse, has: refuse, getOwnPropertyDescriptor: refuse },
    );
    member.set(request, note('first'));
    member.set(request, note('second'));
    expect(member.find(request)).toEqual(note('second'));
  });

  it('has a value for an object that takes no member', () => {
    const member = createPrivateSlot<Note>();
    const holders = [Object.freeze({}), Object.seal([]), Object.preventExtensions(() => 0)];
    for (const [at, holder] of holders.entries()) member.set(holder, note(String(at)));
    expect(holders.map((holder) => member.find(holder))).toEqual([note('0'), note('1'), note('2')]);
    expect(member.find(Object.freeze({}))).toBeUndefined();
  });

  it('takes a new value for an object that was frozen since', () => {
    const member = createPrivateSlot<Note>();
    const request = {};
    member.set(request, note('before'));
    Object.freeze(request);
    expect(member.find(request)).toEqual(note('before'));
    member.set(request, note('after'));
    expect(member.find(request)).toEqual(note('after'));
  });
});
