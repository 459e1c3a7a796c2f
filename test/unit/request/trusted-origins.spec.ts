import { describe, expect, it } from 'vitest';
import { readTrustedOrigins } from '../../../src/request/request-origin.js';
import { configurationErrorOf } from '../../support/outcome.js';

const app = 'https://app.example.com';

describe('trustedOrigins', () => {
  it('is a frozen list, also under its former name, and empty by default', () => {
    expect(readTrustedOrigins('here', {})).toEqual([]);
    expect(readTrustedOrigins('here', { trustedOrigins: [app] })).toEqual([app]);
    expect(readTrustedOrigins('here', { socketOrigins: [app] })).toEqual([app]);
    expect(Object.isFrozen(readTrustedOrigins('here', { trustedOrigins: [app] }))).toBe(true);
  });

  it.each([
    ['trustedOrigins', app],
    ['trustedOrigins', [`${app}/`]],
    ['trustedOrigins', [`${app}:443`]],
    ['trustedOrigins', ['HTTPS://app.example.com']],
    ['trustedOrigins', ['app.example.com']],
    ['trustedOrigins', ['null']],
    ['trustedOrigins', ['*']],
    ['socketOrigins', ['https://*.example.com/']],
    ['trustedOrigins', [1]],
    ['socketOrigins', 'https://app.example.com'],
  ])('%s refuses %j at start', (option, given) => {
    const error = configurationErrorOf(() => readTrustedOrigins('here', { [option]: given }));
    expect([error.path, error.explanation]).toEqual([
      `here({ ${option} })`,
      `here({ ${option} }): a list of origins is expected`,
    ]);
  });

  it('refuses both names together', () => {
    const error = configurationErrorOf(() => readTrustedOrigins('here', { trustedOrigins: [], socketOrigins: [] }));
    expect(error.message).toBe(
      'here({ socketOrigins }): it is the former name of trustedOrigins, which is set too. ' +
        'Write all origins into trustedOrigins.',
    );
  });
});
