import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import { readRevocationOptions } from '../../../src/revocation/revocation-options.js';

const read = (given: unknown) => readRevocationOptions('revocation', given);
const usual = { refreshSeconds: 2, serveStaleForSeconds: 60, longestTokenSeconds: 86_400, onUnavailable: 'reject' };

describe('readRevocationOptions', () => {
  it('is off unless it is turned on', () => {
    expect(read(undefined)).toBeNull();
    expect(read(false)).toBeNull();
  });

  it('fills in what is left out', () => {
    expect(read(true)).toEqual(usual);
    expect(read({})).toEqual(usual);
    expect(read({ onUnavailable: 'accept', refreshSeconds: 40 })).toEqual({
      ...usual,
      onUnavailable: 'accept',
      refreshSeconds: 40,
      serveStaleForSeconds: 80,
    });
    expect(Object.isFrozen(read(true))).toBe(true);
  });

  it.each([
    ['on', 'revocation'],
    [[], 'revocation'],
    [{ refreshSecond: 2 }, 'revocation({ refreshSecond })'],
    [{ refreshSeconds: 0 }, 'revocation({ refreshSeconds })'],
    [{ refreshSeconds: Number.NaN }, 'revocation({ refreshSeconds })'],
    [{ refreshSeconds: 301 }, 'revocation({ refreshSeconds })'],
    [{ serveStaleForSeconds: 3.9 }, 'revocation({ serveStaleForSeconds })'],
    [{ refreshSeconds: 31, serveStaleForSeconds: 60 }, 'revocation({ serveStaleForSeconds })'],
    [{ longestTokenSeconds: 0 }, 'revocation({ longestTokenSeconds })'],
    [{ longestTokenSeconds: 1.5 }, 'revocation({ longestTokenSeconds })'],
    [{ onUnavailable: 'ignore' }, 'revocation({ onUnavailable })'],
  ])('refuses %j, naming %s', (given, path) => {
    const error = catchError(() => read(given));
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).path).toBe(path);
  });
});

function catchError(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
