import { describe, expect, it } from 'vitest';
import { RefusalError, withScheme } from '../../../src/errors/auth-error.js';

const refusal = (): RefusalError => RefusalError.token('revoked', 'It was withdrawn');

describe('the scheme of an error', () => {
  it('is set once, and the first one stays', () => {
    const error = refusal();
    expect(error.scheme).toBeNull();
    expect(withScheme(error, 'Basic')).toBe(error);
    withScheme(error, 'Bearer');

    expect(error.scheme).toBe('Basic');
  });

  it('is left out of a refusal that an app has frozen, which stays a refusal', () => {
    const frozen = Object.freeze(refusal());

    expect(withScheme(frozen, 'Bearer')).toBe(frozen);
    expect(frozen.scheme).toBeNull();
  });

  it('is not written to anything that is no error of this package', () => {
    const other = new Error('other');

    expect(withScheme(other, 'Bearer')).toBe(other);
    expect(other).not.toHaveProperty('scheme');
    expect(withScheme(undefined, 'Bearer')).toBeUndefined();
  });
});
