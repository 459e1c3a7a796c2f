import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KeptWith } from '../../../src/memory/kept-with.js';

describe('KeptWith', () => {
  it('gives back what was kept with an object last', () => {
    const kept = new KeptWith<string>();
    const request = {};
    expect(kept.get(request)).toBeUndefined();
    kept.set(request, 'first');
    kept.set(request, 'second');
    expect(kept.get(request)).toBe('second');
  });

  it('keeps nothing of one object with another, nor of one keeper in another', () => {
    const kept = new KeptWith<string>();
    const request = {};
    kept.set(request, 'here');
    expect(kept.get({})).toBeUndefined();
    expect(kept.get(Object.create(request) as object)).toBeUndefined();
    expect(kept.get({ ...request })).toBeUndefined();
    expect(new KeptWith<string>().get(request)).toBeUndefined();
  });

  it('shows nothing of it to whoever prints, lists or compares the object', () => {
    const request = { path: '/me' };
    new KeptWith<string>().set(request, 'a secret');
    expect(inspect(request)).toBe("{ path: '/me' }");
    expect(JSON.stringify(request)).toBe('{"path":"/me"}');
    expect(Object.keys(request)).toEqual(['path']);
    expect(request).toStrictEqual({ path: '/me' });
  });

  it('keeps a thing with an object that takes no member', () => {
    const kept = new KeptWith<string>();
    const refusing = new Proxy({}, { defineProperty: () => false });
    for (const holder of [Object.freeze({}), Object.seal([]), Object.preventExtensions(() => 0), refusing]) {
      kept.set(holder, 'first');
      kept.set(holder, 'second');
      expect(kept.get(holder)).toBe('second');
    }
  });

  it('takes a new thing for an object that was frozen since', () => {
    const kept = new KeptWith<string>();
    const request = {};
    kept.set(request, 'before');
    Object.freeze(request);
    expect(kept.get(request)).toBe('before');
    kept.set(request, 'after');
    expect(kept.get(request)).toBe('after');
  });
});
