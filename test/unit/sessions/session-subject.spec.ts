import { describe, expect, it } from 'vitest';
import { AuthUnavailableError, ConfigurationError, RefusalError } from '../../../src/errors/auth-error.js';
import { checkSubject, findSubject, presentUser, type SessionSubject } from '../../../src/sessions/session-subject.js';

const finds = (found: unknown) => ({ findSubject: async () => found as SessionSubject });
const throwing = (thrown: unknown) => ({
  findSubject: (): never => {
    throw thrown;
  },
});

describe('findSubject', () => {
  it('gives the user whom the app knows, at once or later', async () => {
    const alice = { id: 'alice', claims: { tenant: 't1' } };
    expect(await findSubject(finds(alice), 'alice')).toBe(alice);
    expect(await findSubject({ findSubject: () => alice }, 'alice')).toBe(alice);
  });

  it('gives null for null and undefined', async () => {
    expect(await findSubject(finds(null), 'alice')).toBeNull();
    expect(await findSubject(finds(undefined), 'alice')).toBeNull();
  });

  it('calls it on the object that has it', async () => {
    class Finder {
      private readonly users = new Map([['alice', { id: 'alice' }]]);
      findSubject(id: string): SessionSubject | null {
        return this.users.get(id) ?? null;
      }
    }
    expect(await findSubject(new Finder(), 'alice')).toEqual({ id: 'alice' });
  });

  it.each([
    new Error('connect ECONNREFUSED postgres://app:secret@db'),
    'text',
    undefined,
    RefusalError.of('NOT_FOUND', 'gone'),
  ])('does not know who the user is when it throws %s', async (thrown) => {
    const error: unknown = await findSubject(throwing(thrown), 'alice').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AuthUnavailableError);
    expect((error as Error).message).not.toContain('secret');
  });

  it('passes on what says itself that something is unavailable', async () => {
    const down = new AuthUnavailableError('The directory is down', 30);
    await expect(findSubject(throwing(down), 'alice')).rejects.toBe(down);
  });

  it('refuses a user with another id', async () => {
    await expect(findSubject(finds({ id: 'Alice' }), 'alice')).rejects.toThrow(
      /another id.*findSubject|findSubject.*another id/s,
    );
  });

  it.each([
    [7, /subject is expected/],
    ['alice', /subject is expected/],
    [[], /id of the subject/],
    [{}, /id of the subject/],
    [{ id: '' }, /id of the subject/],
    [{ id: 7 }, /id of the subject/],
    [{ id: 'x'.repeat(256) }, /id of the subject/],
    [{ id: 'alice', roles: 'admin' }, /roles or the scopes/],
    [{ id: 'alice', roles: [7] }, /roles or the scopes/],
    [{ id: 'alice', scopes: {} }, /roles or the scopes/],
    [{ id: 'alice', scopes: ['read write'] }, /scope of the subject/],
    [{ id: 'alice', scopes: [''] }, /scope of the subject/],
    [{ id: 'alice', scopes: ['"'] }, /scope of the subject/],
    [{ id: 'alice', scopes: ['lesen-ü'] }, /scope of the subject/],
    [{ id: 'alice', claims: [] }, /claims of the subject/],
    [{ id: 'alice', claims: 'x' }, /claims of the subject/],
  ])('refuses %j', async (found, problem) => {
    await expect(findSubject(finds(found), 'alice')).rejects.toThrow(problem);
    await expect(findSubject(finds(found), 'alice')).rejects.toBeInstanceOf(ConfigurationError);
  });

  it.each(
    'iss sub aud exp nbf iat jti client_id azp sid auth_time amr acr scope scp roles is_anonymous email email_verified name cnf act'.split(
      ' ',
    ),
  )('refuses the claim %s, which has a meaning of its own', (name) => {
    expect(() => {
      checkSubject('here', { id: 'alice', claims: { [name]: 'x' } });
    }).toThrow(`claims contains ${name}`);
  });

  it.each(['a\0b', '\ud800', 'alice\udc00'])('refuses an id that no database stores', (id) => {
    expect(() => {
      checkSubject('here', { id });
    }).toThrow('the id of the subject is not Unicode text');
  });
});

describe('presentUser', () => {
  it('shows what is known, with null, false and [] for the rest, and never the claims', () => {
    expect(presentUser({ id: 'alice', claims: { tenant: 't1' } })).toEqual({
      id: 'alice',
      email: null,
      emailVerified: null,
      username: null,
      name: null,
      givenName: null,
      familyName: null,
      pictureUrl: null,
      isAnonymous: false,
      hasPassword: false,
      roles: [],
      scopes: [],
    });
  });

  it('shows every member that it knows', () => {
    const subject = {
      id: 'alice',
      email: 'a@example.com',
      emailVerified: true,
      username: 'al',
      name: 'Alice A',
      givenName: 'Alice',
      familyName: 'A',
      pictureUrl: 'https://example.com/a.png',
      isAnonymous: true,
      hasPassword: true,
      roles: ['admin'],
      scopes: ['read'],
    };
    expect(presentUser({ ...subject, passwordHash: 'x' } as SessionSubject)).toEqual(subject);
  });
});
