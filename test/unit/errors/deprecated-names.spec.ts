/* eslint-disable @typescript-eslint/no-deprecated -- This file tests the deprecated names. */
import { describe, expect, it } from 'vitest';

import * as gatehouse from '../../../src/index.js';

describe('the exports of 0.1.0', () => {
  it('are the same classes as their replacements', () => {
    expect(gatehouse.FaultError).toBe(gatehouse.AuthUnavailableError);
    expect(gatehouse.EntryPoints).toBe(gatehouse.HandlerInventory);
  });

  it('include ConfigurationError.mend, which equals fix', () => {
    const error = new gatehouse.ConfigurationError('oidc({ issuer })', 'it is missing', 'Write the issuer');
    expect(error.mend).toBe('Write the issuer');
    expect(Object.keys(error)).not.toContain('mend');
  });
});
