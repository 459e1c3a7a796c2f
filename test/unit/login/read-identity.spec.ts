import { describe, expect, it } from 'vitest';
import { loginProvider, type Person } from '../../../src/login/login-provider.js';
import { oauthProvider } from '../../../src/login/providers/oauth-provider.js';
import { readIdentity } from '../../../src/login/read-identity.js';
import { outcomeOf } from '../../support/outcome.js';

const provider = oauthProvider({
  id: 'forum',
  authorizationEndpoint: 'https://forum.example/authorize',
  tokenEndpoint: 'https://forum.example/token',
  userinfoEndpoint: 'https://forum.example/me',
  clientId: 'c',
});

const identityOf = (person: Person) =>
  readIdentity(loginProvider({ ...provider, readPerson: () => person }), { claims: {}, userinfo: {} });

describe('the id of a person', () => {
  it.each<[string, unknown]>([
    ['missing', null],
    ['empty', ''],
    ['too long', 'x'.repeat(256)],
    ['no text', 7],
    ['one that no database stores', 'a\0b'],
    ['half a character', '\ud800'],
  ])('that is %s refuses the login', async (_, subject) => {
    expect(await outcomeOf(() => identityOf({ subject: subject as string }))).toBe('LOGIN_REFUSED');
  });

  it('may have 255 characters', () => {
    expect(identityOf({ subject: 'x'.repeat(255) }).identity.subject).toHaveLength(255);
  });
});

describe('what is said about a person', () => {
  const read = (person: object) => identityOf({ subject: 'a', ...person });

  it.each<[string, object, object]>([
    ['a name is cut', { name: 'n'.repeat(300) }, { name: 'n'.repeat(255) }],
    ['half a character of a name is dropped', { name: 'a\ud800\0b' }, { name: 'ab' }],
    ['a blank name is none', { name: '  ' }, { name: null }],
    ['a name of a wrong type is none', { name: { first: 'A' } }, { name: null }],
    ['parts make a name', { givenName: 'Ann', familyName: 'Lee' }, { name: 'Ann Lee', givenName: 'Ann' }],
    ['a text without @ is no address', { email: 'alice', emailVerified: true }, { email: null, emailVerified: false }],
    ['an address has no blanks', { email: 'a b@c.example' }, { email: null }],
    ['an address has no line break', { email: 'a@c.example\nBcc: x' }, { email: null }],
    ['an address is at most 254 long', { email: `${'a'.repeat(250)}@c.io` }, { email: null }],
    ['a list is no address', { email: ['a@c.example'] }, { email: null }],
    ['a picture is https', { pictureUrl: 'http://img.example/a.png' }, { pictureUrl: null }],
    ['a picture is no script', { pictureUrl: 'javascript:alert(1)' }, { pictureUrl: null }],
    [
      'a picture has a bounded address',
      { pictureUrl: `https://img.example/${'a'.repeat(2_048)}` },
      { pictureUrl: null },
    ],
    ['a picture of a wrong type is none', { pictureUrl: { data: {} } }, { pictureUrl: null }],
  ])('%s', (_, person, expected) => {
    expect(read(person).identity).toMatchObject(expected);
  });

  it.each<[object, boolean]>([
    [{ email: 'a@c.example', emailVerified: true, vouchesForEmail: true }, true],
    [{ email: 'a@c.example', emailVerified: false, vouchesForEmail: true }, false],
    [{ email: 'a@c.example', emailVerified: true, vouchesForEmail: false }, false],
    [{ email: 'a@c.example', emailVerified: 'true', vouchesForEmail: true }, false],
    [{ email: 'none', emailVerified: true, vouchesForEmail: true }, false],
  ])('%j is vouched for: %s', (person, expected) => {
    expect(read(person).vouchesForEmail).toBe(expected);
  });
});
