import { isUnicodeText } from '../configuration/unicode-text.js';
import { type FieldProblem, RefusalError } from '../errors/auth-error.js';
import type { ApiKeyChanges } from './api-key-store.js';

const longestName = 200;
const mostEntries = 100;
const longestEntry = 200;

/** @throws {RefusalError} `INVALID_INPUT` with the problems, if there are any. */
export function checkInput(problems: readonly FieldProblem[]): void {
  if (problems.length > 0) throw RefusalError.input(problems);
}

/** The id of a user may be from a query, which has a list where a name is repeated. Keys of texts that no user has are none. */
export function checkUserId(userId: unknown): void {
  if (typeof userId === 'string') return;
  throw RefusalError.input([{ path: 'userId', message: 'a text is expected' }]);
}

/** RFC 6749 §3.3: a scope with a blank would be two. */
const scopePattern = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

const listForm = `a list of at most ${mostEntries} texts of 1 to ${longestEntry} characters is expected`;

/** What is wrong with a member of the input, by its name. */
const inputRules: Readonly<
  Record<keyof ApiKeyChanges, { readonly fits: (value: unknown) => boolean; readonly message: string }>
> = {
  name: {
    fits: (value) => value === null || isText(value, longestName),
    message: `a text of 1 to ${longestName} characters is expected`,
  },
  scopes: {
    fits: (value) => isList(value) && value.every((scope) => scopePattern.test(scope)),
    message: `${listForm}, without blanks and quotes`,
  },
  roles: { fits: isList, message: listForm },
  enabled: { fits: (value) => typeof value === 'boolean', message: 'true or false is expected' },
};

/** What is wrong with the members that are given. */
export function findProblems(changes: ApiKeyChanges): FieldProblem[] {
  return (Object.keys(inputRules) as (keyof ApiKeyChanges)[]).flatMap((path) => {
    const { fits, message } = inputRules[path];
    return changes[path] === undefined || fits(changes[path]) ? [] : [{ path, message }];
  });
}

export function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest && isUnicodeText(value);
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= mostEntries && value.every((entry) => isText(entry, longestEntry));
}
