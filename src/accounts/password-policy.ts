import { brotliDecompressSync } from 'node:zlib';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { isPossible, lengthOf, longestPassword } from './password-hasher.js';

/** Texts of a person by which others would guess the password. */
export interface PersonalTexts {
  readonly email?: string | null | undefined;
  readonly username?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly givenName?: string | null | undefined;
  readonly familyName?: string | null | undefined;
}

/** The rule that a password breaks, and a sentence that may be shown. */
export interface PasswordWeakness {
  readonly rule: 'too-short' | 'common' | 'personal';
  readonly message: string;
}

const least = 8;
const largestMinLength = 64;

/**
 * Checks `password: { minLength }`.
 *
 * @throws {ConfigurationError} unless it is a whole number from 8 to 64
 */
export function readMinLength(where: string, given: unknown): number {
  if (given === undefined) return least;
  if (typeof given === 'number' && Number.isInteger(given) && given >= least && given <= largestMinLength) return given;
  throw new ConfigurationError(
    where,
    `a whole number from ${least} to ${largestMinLength} is expected`,
    `Left out, it is ${least}; 15 is what NIST SP 800-63B asks for where a password is the only factor`,
  );
}

/**
 * Decides which passwords may be chosen: not short, not common, not made of the person's own name or address. Which characters it has
 * makes no difference (NIST SP 800-63B §3.1.1.2). It is asked when a password is set, never at sign-in.
 */
export class PasswordPolicy {
  private common: Promise<string> | undefined;

  /** @param minLength in characters, as `readMinLength` accepts it */
  constructor(private readonly minLength: number = least) {}

  /** @throws {RefusalError} `WEAK_PASSWORD`, whose message names the rule, or `INVALID_INPUT` for what no password can be */
  async check(password: string, person: PersonalTexts = {}): Promise<void> {
    const weakness = await this.findWeakness(password, person);
    if (weakness !== null) {
      throw RefusalError.of('WEAK_PASSWORD', `The password is refused: ${weakness.rule}`, weakness.message);
    }
  }

  /** The first rule that a password breaks; `null` for one that may be chosen. */
  async findWeakness(password: string, person: PersonalTexts = {}): Promise<PasswordWeakness | null> {
    if (password !== '' && !isPossible(password)) {
      const message = `It has at most ${longestPassword} characters, none of them U+0000 or half a surrogate pair`;
      throw RefusalError.input([{ path: 'password', message }]);
    }
    const normalized = password.normalize('NFKC');
    // One character may become several, and several one: neither makes a password longer.
    if (Math.min(lengthOf(normalized), lengthOf(password)) < this.minLength) {
      return {
        rule: 'too-short',
        message: `The password is too short: it has to have at least ${this.minLength} characters`,
      };
    }
    const spelled = normalized.toLowerCase();
    if (isPattern(spelled) || (await this.isCommon(spelled))) {
      return {
        rule: 'common',
        message: 'The password is too easy to guess: many people use it, or it follows a simple pattern',
      };
    }
    if (isPersonal(spelled, person)) {
      return { rule: 'personal', message: 'The password is too easy to guess: it is made of your own name or address' };
    }
    return null;
  }

  private async isCommon(spelled: string): Promise<boolean> {
    this.common ??= readCommonPasswords();
    const common = await this.common;
    const unit = repeatedUnit(spelled);
    return common.includes(`\n${spelled}\n`) || (unit !== null && common.includes(`\n${unit}\n`));
  }
}

/** The list in lower case, with a line break around each entry. A search takes microseconds, a set of it half a megabyte. */
async function readCommonPasswords(): Promise<string> {
  const { commonPasswordList } = await import('./common-password-list.js');
  return `\n${brotliDecompressSync(Buffer.from(commonPasswordList, 'base64')).toString('latin1')}\n`;
}

/** What is typed along the keyboard or the alphabet. */
const rows = [
  '0123456789',
  '1234567890',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
  '1q2w3e4r5t6y7u8i9o0p',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
];

/** A unit of so few characters is no more than itself, however often it is repeated. */
const shortUnit = 4;

/** Whether a password is a part of a row, in either direction, or a few characters again and again. */
function isPattern(spelled: string): boolean {
  const unit = repeatedUnit(spelled);
  if (unit !== null && lengthOf(unit) <= shortUnit) return true;
  const reversed = Array.from(spelled).reverse().join('');
  return rows.some((row) => {
    const typed = row.repeat(Math.ceil(spelled.length / row.length) + 1);
    return typed.includes(spelled) || typed.includes(reversed);
  });
}

/** The text whose repetition a password is, the last one perhaps cut off; `null` when nothing is repeated. */
function repeatedUnit(spelled: string): string | null {
  const characters = Array.from(spelled);
  for (let size = 1; size <= characters.length / 2; size += 1) {
    if (characters.every((character, at) => character === characters[at % size]))
      return characters.slice(0, size).join('');
  }
  return null;
}

/** A password is personal when so few characters are left without the person's own texts: a year is one of the first guesses. */
const mostBesides = 4;
const shortestWord = 3;

function isPersonal(spelled: string, person: PersonalTexts): boolean {
  let rest = spelled;
  for (const word of personalWords(person)) rest = rest.replaceAll(word, '');
  return rest !== spelled && lengthOf(rest.replaceAll(/[\s@._+-]/g, '')) <= mostBesides;
}

/** The longest first: an address contains its own parts. */
function personalWords({ email, username, name, givenName, familyName }: PersonalTexts): readonly string[] {
  const texts = [email, username, name, givenName, familyName].map((text) =>
    (text ?? '').normalize('NFKC').toLowerCase(),
  );
  const words = texts.flatMap((text) => [text, text.replaceAll(/\s/g, ''), ...text.split(/[\s@._+-]+/)]);
  const [local = ''] = (texts[0] ?? '').split('@');
  return [...new Set([...words, local])]
    .filter((word) => lengthOf(word) >= shortestWord)
    .sort((a, b) => b.length - a.length);
}
