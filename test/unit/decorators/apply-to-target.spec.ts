import { describe, expect, it } from 'vitest';
import { readAuthMetadata } from '../../../src/access/route-metadata.js';
import { Public } from '../../../src/decorators/authentication.decorator.js';
import { configurationErrorOf } from '../../support/outcome.js';

describe('a mark on a member that is no method', () => {
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
  ])('is refused, and opens nothing else: %s', (_what, target, name) => {
    const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor;

    expect(configurationErrorOf(() => Public()(target, name, descriptor)).path).toBe('@Public');
    expect(readAuthMetadata(Cats)).toBeUndefined();
  });
});
