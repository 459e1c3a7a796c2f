import { describe, expect, it } from 'vitest';
import { AuthSettings } from '../../../src/auth-settings.js';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import { readRoutePath, readSessionTerms, type SessionTerms } from '../../../src/sessions/session-options.js';
import { ManualClock } from '../../support/manual-clock.js';

const findSubject = (id: string): { id: string } => ({ id });
const read = (options: unknown, publicUrl: string | null = 'https://api.example.com'): SessionTerms =>
  readSessionTerms('S', options, new AuthSettings(publicUrl, [], new ManualClock()));

function errorOf(run: () => unknown): ConfigurationError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return error as ConfigurationError;
  }
  throw new Error('Nothing was thrown');
}

describe('the options of SessionsModule', () => {
  it('have defaults', () => {
    expect(read({ findSubject })).toMatchObject({
      issuer: 'https://api.example.com',
      audience: ['https://api.example.com'],
      clientId: 'https://api.example.com',
      lifetimeSeconds: 600,
      algorithm: 'ES256',
      include: [],
      idleMs: 1_209_600_000,
      absoluteMs: 7_776_000_000,
      graceMs: 10_000,
      delivery: ['cookies', 'body'],
      rotateEverySeconds: 7_776_000,
      publishAheadSeconds: 86_400,
    });
  });

  it('take what is given, and freeze it', () => {
    const terms = read({
      issuer: 'https://id.example.com/tenant',
      audience: ['a', 'b'],
      accessToken: { lifetimeSeconds: 60, algorithm: 'EdDSA', include: ['name'], clientId: 'web' },
      session: { idleSeconds: 60, absoluteSeconds: 61, graceSeconds: 0 },
      delivery: ['body'],
      rotateEverySeconds: 3_600,
      publishAheadSeconds: 0,
      findSubject,
    });
    expect(terms).toMatchObject({
      issuer: 'https://id.example.com/tenant',
      audience: ['a', 'b'],
      clientId: 'web',
      lifetimeSeconds: 60,
      algorithm: 'EdDSA',
      include: ['name'],
      idleMs: 60_000,
      absoluteMs: 61_000,
      graceMs: 0,
      delivery: ['body'],
    });
    for (const value of [terms, terms.audience, terms.include, terms.delivery, terms.cookies]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
  });

  it('fit to one another: the lifetime that is left out follows from the other one', () => {
    expect(read({ session: { absoluteSeconds: 3_600 }, findSubject })).toMatchObject({ idleMs: 3_600_000 });
    expect(read({ session: { idleSeconds: 10_000_000 }, findSubject })).toMatchObject({ absoluteMs: 10_000_000_000 });
  });

  it('take a function, an object and a class that find users', () => {
    class Finder {
      findSubject(id: string): { id: string } {
        return { id };
      }
    }
    expect(read({ findSubject: Finder }).findSubject).toBe(Finder);
    const finder = new Finder();
    expect(read({ findSubject: finder }).findSubject).toBe(finder);
    expect(read({ findSubject }).findSubject).toEqual({ findSubject });
    expect(read({}).findSubject).toBeNull();
  });

  it.each([
    ['issuer', 'http://api.example.com'],
    ['issuer', 'https://api.example.com/?a'],
    ['issuer', 'https://api.example.com/#a'],
    ['issuer', 'ftp://api.example.com'],
    ['issuer', 'my app'],
    ['issuer', ''],
    ['issuer', 7],
    ['audience', ''],
    ['audience', []],
    ['audience', ['a', '']],
    ['audience', 7],
    ['delivery', []],
    ['delivery', ['cookie']],
    ['delivery', ['body', 'body']],
    ['delivery', 'body'],
    ['rotateEverySeconds', 3_599],
    ['rotateEverySeconds', 'monthly'],
    ['publishAheadSeconds', -1],
    ['publishAheadSeconds', 2_592_001],
    ['findSubject', 'users'],
    ['findSubject', {}],
    ['findSubject', null],
    ['presentUser', {}],
    ['presentUser', null],
    ['lifetime', 600],
  ])('refuse %s: %j', (name, value) => {
    expect(errorOf(() => read({ findSubject, [name]: value })).message).toContain(`S({ ${name} })`);
  });

  it.each([
    ['accessToken', 'lifetimeSeconds', 9],
    ['accessToken', 'lifetimeSeconds', 86_401],
    ['accessToken', 'lifetimeSeconds', 60.5],
    ['accessToken', 'lifetimeSeconds', '600'],
    ['accessToken', 'algorithm', 'HS256'],
    ['accessToken', 'algorithm', 'none'],
    ['accessToken', 'include', ['roles']],
    ['accessToken', 'include', 'phone'],
    ['accessToken', 'clientId', ''],
    ['accessToken', 'expiresIn', '10m'],
    ['session', 'idleSeconds', 59],
    ['session', 'absoluteSeconds', Number.POSITIVE_INFINITY],
    ['session', 'graceSeconds', 301],
    ['session', 'graceSeconds', -1],
    ['session', 'grace', 10],
  ])('refuse %s.%s: %j', (group, name, value) => {
    const { message } = errorOf(() => read({ findSubject, [group]: { [name]: value } }));
    expect(message).toContain(group);
    expect(message).toContain(name);
  });

  it.each(['accessToken', 'session', 'cookies'])('refuse a %s that is not an object', (group) => {
    for (const value of [7, 'x', [], () => 7]) {
      expect(errorOf(() => read({ findSubject, [group]: value })).message).toContain(group);
    }
  });

  it('refuse a session that ends before it could be idle', () => {
    const session = { idleSeconds: 3_600, absoluteSeconds: 3_599 };
    expect(errorOf(() => read({ findSubject, session })).message).toMatch(/absoluteSeconds.*3600 or more/s);
  });

  it('require publicUrl', () => {
    expect(errorOf(() => read({ findSubject }, null)).message).toMatch(
      /publicUrl.*missing.*https:\/\/api.example.com/s,
    );
  });
});

describe('the path of the routes', () => {
  it.each([
    [undefined, 'auth'],
    [false, false],
    ['session', 'session'],
    ['/api/auth/', 'api/auth'],
    ['v1.2/~auth_-x', 'v1.2/~auth_-x'],
  ])('%j is %j', (given, read) => {
    expect(readRoutePath('S', given)).toBe(read);
  });

  it.each(['', '/', 'a//b', 'a b', ':id', 'auth*', '(auth)', 'a?b', 'a#b', 'ä', true, null, 7, ['auth']])(
    '%j is refused',
    (given) => {
      expect(errorOf(() => readRoutePath('S', given)).message).toContain('S({ path })');
    },
  );
});
