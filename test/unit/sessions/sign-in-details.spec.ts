import { describe, expect, it } from 'vitest';
import { readSignInDetails, type StartOptions } from '../../../src/sessions/sign-in-details.js';

const read = (login: unknown) => readSignInDetails(null, { login } as StartOptions).login;
const login = { provider: 'google', subject: 'anna', sessionId: 's1' };

describe('the login that a session begins by', () => {
  it('is none where it is left out', () => {
    expect(readSignInDetails(null, {}).login).toBeNull();
    expect(read(null)).toBeNull();
  });

  it.each([
    login,
    { ...login, sessionId: null },
    { provider: 'p'.repeat(1_024), subject: 'ä'.repeat(1_024), sessionId: '🐈'.repeat(512) },
  ])('is kept as it was given: %#', (given) => {
    expect(read(given)).toEqual(given);
    expect(read(given)).not.toBe(given);
    expect(read({ ...given, accessToken: 'secret' })).toEqual(given);
  });

  it.each([
    'google',
    7,
    [],
    {},
    { ...login, provider: '' },
    { ...login, provider: undefined },
    { ...login, subject: '' },
    { ...login, subject: 'x'.repeat(1_025) },
    { ...login, subject: 'a\0b' },
    { ...login, subject: 7 },
    { ...login, sessionId: undefined },
    { ...login, sessionId: '' },
    { ...login, sessionId: '\uD800' },
    { ...login, sessionId: 'x'.repeat(1_025) },
  ])('is refused: %#', (given) => {
    expect(() => read(given)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', fields: [expect.objectContaining({ path: 'login' })] }),
    );
  });
});
