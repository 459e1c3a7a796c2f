import { isUnicodeText, toUnicodeText } from '../configuration/unicode-text.js';
import { RefusalError } from '../errors/auth-error.js';
import type { ExternalIdentity } from './external-identity.js';
import type { LoginProvider, Person, ProviderAnswers } from './login-provider.js';

const longestText = 255;
/** RFC 5321 §4.5.3.1.3, without the brackets. */
const longestEmail = 254;
const longestAddress = 2_048;

/** An identity, and whether its verified address may be relied on. */
export interface ReadIdentity {
  readonly identity: ExternalIdentity;
  readonly vouchesForEmail: boolean;
}

/**
 * Reads who has signed in, within limits that any store has: names are cut, and an address that is none counts as absent.
 *
 * @throws {RefusalError} `LOGIN_REFUSED` where the provider gives no usable id of the person.
 */
export function readIdentity({ id, preset, readPerson }: LoginProvider, answers: ProviderAnswers): ReadIdentity {
  const person: Person = readPerson(answers);
  const { subject } = person;
  // Two ids that are alike up to a limit would become one person, so an id is never cut.
  if (typeof subject !== 'string' || subject === '' || subject.length > longestText || !isUnicodeText(subject)) {
    const problem = `a text of 1 to ${longestText} characters is expected`;
    throw RefusalError.of('LOGIN_REFUSED', `The id that ${preset} gives for the person cannot be used: ${problem}`);
  }
  const email = readEmail(person.email);
  const emailVerified = email !== null && person.emailVerified === true;
  return {
    identity: Object.freeze({
      provider: id,
      subject,
      email,
      emailVerified,
      name: readName(person.name) ?? joinNames(person),
      givenName: readName(person.givenName),
      familyName: readName(person.familyName),
      pictureUrl: readPictureUrl(person.pictureUrl),
      raw: Object.freeze({ ...answers.userinfo, ...answers.claims }),
    }),
    vouchesForEmail: emailVerified && person.vouchesForEmail === true,
  };
}

function readEmail(email: unknown): string | null {
  if (typeof email !== 'string' || email.length > longestEmail || !isUnicodeText(email)) return null;
  return /^[^\s\p{Cc}@]+@[^\s\p{Cc}@]+$/u.test(email) ? email : null;
}

function readName(name: unknown): string | null {
  return typeof name === 'string' ? toUnicodeText(name.trim(), longestText) || null : null;
}

function joinNames({ givenName, familyName }: Person): string | null {
  const names = [readName(givenName), readName(familyName)].filter((name) => name !== null);
  return readName(names.join(' '));
}

/** Pages of the app show it, so only https. */
function readPictureUrl(url: unknown): string | null {
  if (typeof url !== 'string' || url.length > longestAddress || !URL.canParse(url)) return null;
  return new URL(url).protocol === 'https:' ? url : null;
}
