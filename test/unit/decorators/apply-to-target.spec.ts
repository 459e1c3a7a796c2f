import { describe, expect, it } from 'vitest';
import { readAuthMetadata } from '../../../src/access/route-metadata.js';
import { Public } from '../../../src/decorators/authentication.decorator.js';
import { configurationErrorOf } from '../../support/outcome.js';

describe('a decorator on a member that is not a method', () => {
  class Cats {
    static get title(): string {
      return 'cats';
    }

    get count(): number {
      return 9;
    }
  }

  it.each([
    ['a static accessor', Cats, 'title'],
    ['an accessor', Cats.prototype, 'count'],
    ['a field', Cats.prototype, 'field'],
  ])('is refused, and makes nothing else public: %s', (_what, target, name) => {
    const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor;

    expect(configurationErrorOf(() => Public()(target, name, descriptor)).path).toBe('@Public');
    expect(readAuthMetadata(Cats)).toBeUndefined();
  });
});
