import { isUnicodeText } from '../configuration/unicode-text.js';
import type { FieldProblem } from '../errors/auth-error.js';
import { AccountError } from './account-error.js';
import { findCustomDataProblem } from './custom-data.js';

/** The longest path of an address in SMTP, without its brackets (RFC 5321 §4.5.3.1.3). */
const longestEmail = 254;
const longestUsername = 100;
const longestName = 200;
const longestUrl = 2_048;
const longestDescription = 1_000;
const longestPasskeyName = 100;

/**
 * The form in which addresses, usernames and names are compared: full-width and composed characters are as others, and case does
 * not count, in no language's own way. The key of a key is the same key.
 */
export function toAccountKey(text: string): string {
  // Lower case may compose anew, and a sigma has two of them, by its place in the word.
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').replaceAll('ς', 'σ');
}

/**
 * Whether two addresses are of one mailbox for all that is known: only ASCII letters may differ in case. The keys of addresses may be the
 * same for more, such as for one with a Kelvin sign and one with a k.
 */
export function isSameMailbox(one: string | null, other: string | null): boolean {
  const lower = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return one !== null && other !== null && lower(one) === lower(other);
}

type Rule = readonly [fits: (value: unknown) => boolean, message: string];

const orNull =
  (fits: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || fits(value);
const nameRule: Rule = [
  orNull((value) => isText(value, longestName)),
  `a text of 1 to ${longestName} characters, or null, is expected`,
];
const textRule: Rule = [(value) => typeof value === 'string', 'a text is expected'];
const switchRule: Rule = [(value) => typeof value === 'boolean', 'true or false is expected'];

/** What is expected of each member of an account and of a group. */
const rules = {
  email: [orNull(isEmail), `an e-mail address of at most ${longestEmail} characters, or null, is expected`],
  emailVerified: switchRule,
  username: [
    orNull(isUsername),
    `a text of 1 to ${longestUsername} characters, without @ and without blanks at its ends, or null, is expected`,
  ],
  name: nameRule,
  givenName: nameRule,
  familyName: nameRule,
  pictureUrl: [orNull(isWebAddress), `a web address of at most ${longestUrl} characters, or null, is expected`],
  groupName: [isGroupName, `a text of 1 to ${longestName} characters, without blanks at its ends, is expected`],
  description: [
    orNull((value) => isText(value, longestDescription)),
    `a text of 1 to ${longestDescription} characters, or null, is expected`,
  ],
  password: textRule,
  text: textRule,
  object: [isObject, 'an object is expected'],
  passkeyName: [
    (value) => isText(value, longestPasskeyName),
    `a text of 1 to ${longestPasskeyName} characters is expected`,
  ],
  passwordHash: [(value) => isText(value, 1_024), 'the text of a hash is expected'],
  provider: [(value) => isText(value, 255), 'a text of 1 to 255 characters is expected'],
  subject: [(value) => isText(value, 255), 'a text of 1 to 255 characters is expected'],
} as const satisfies Readonly<Record<string, Rule>>;

/** The rules that the members of accounts, groups and bodies keep. */
export type RuleName = keyof typeof rules | 'customData';

/** Where the rule of a member has another name than the member. */
type RuleNames<Input> = Readonly<Partial<Record<keyof Input, RuleName>>>;

/**
 * Checks the members of an input that are given.
 *
 * @param known the members that the input can have, with the rule of each
 * @param required those that it must have
 * @throws {AccountError} `INVALID_INPUT` with each member that is wrong, or not known.
 */
export function checkInput<Input extends object>(
  input: Input,
  known: RuleNames<Input>,
  required: readonly (keyof Input & string)[] = [],
): void {
  if (typeof (input as unknown) !== 'object' || (input as unknown) === null) {
    throw AccountError.fields([{ path: '', message: 'an object is expected' }]);
  }
  const ruleOf = new Map(Object.entries(known) as [string, RuleName][]);
  const problems = Object.entries(input).flatMap(([path, value]: [string, unknown]): FieldProblem[] => {
    const name = ruleOf.get(path);
    if (name === undefined) {
      return [
        {
          path: /^\w{1,64}$/.test(path) ? path : '',
          message: `there is no such member; known: ${[...ruleOf.keys()].join(', ')}`,
        },
      ];
    }
    return value === undefined ? [] : problemsOf(path, name, value);
  });
  for (const path of required) {
    if (input[path] === undefined) problems.push({ path, message: 'it is missing' });
  }
  if (problems.length > 0) throw AccountError.fields(problems.slice(0, 20));
}

/** What is expected of a value; `null` where it keeps the rule. */
export function fitsRule(name: RuleName, value: unknown): string | null {
  return problemsOf('', name, value)[0]?.message ?? null;
}

function problemsOf(path: string, name: RuleName, value: unknown): FieldProblem[] {
  if (name === 'customData') {
    const problem = findCustomDataProblem(value);
    return problem === null ? [] : [problem];
  }
  const [fits, message]: Rule = rules[name];
  return fits(value) ? [] : [{ path, message }];
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest && isUnicodeText(value);
}

const isTrimmed = (text: string): boolean => text.trim() === text;

/**
 * The form that browsers accept in `<input type=email>`, and beyond it letters of all scripts (RFC 6531): whether somebody reads
 * mail there is only known by sending some.
 */
export function isEmail(value: unknown): boolean {
  return isText(value, longestEmail) && isAddress(value) && isAddress(toAccountKey(value));
}

function isAddress(value: string): boolean {
  const [, local, domain] =
    /^([^\s@\p{Cc}\p{Cf}"(),:;<>[\\\]]{1,64})@([^\s@\p{Cc}\p{Cf}"(),:;<>[\\\]]+)$/u.exec(value) ?? [];
  if (local === undefined || domain === undefined) return false;
  return domain.split('.').every((label) => label !== '' && label.length <= 63 && !/^-|-$/.test(label));
}

function isUsername(value: unknown): boolean {
  return isText(value, longestUsername) && isTrimmed(value) && !/[@\p{Cc}\p{Cf}]/u.test(toAccountKey(value));
}

function isGroupName(value: unknown): boolean {
  return isText(value, longestName) && isTrimmed(value) && !/\p{Cc}/u.test(value);
}

/** Whoever shows a picture uses its address as it is, so it must be one of the web. */
function isWebAddress(value: unknown): boolean {
  return isText(value, longestUrl) && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol);
}

/** @throws {AccountError} `INVALID_INPUT` for anything but a text. A repeated name in a query is a list. */
export function checkText(path: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw AccountError.fields([{ path, message: 'a text is expected' }]);
}

/** The members that are given. */
export function withoutUndefined<Input extends object>(
  input: Input,
): { [Name in keyof Input]?: Exclude<Input[Name], undefined> } {
  const given = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [Name in keyof Input]?: Exclude<Input[Name], undefined> };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
