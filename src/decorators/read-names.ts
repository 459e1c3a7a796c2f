import { ConfigurationError } from '../errors/configuration-error.js';

/** What the names in a decorator are, for those who wrote them wrong. */
export interface NameForm {
  /** `role` */
  readonly noun: string;
  readonly isName: (name: string) => boolean;
  /** As it is written in code: `@RequireRoles('admin', 'editor')`. */
  readonly example: string;
}

/**
 * The names that a decorator was given, each of them once; at least one.
 *
 * @throws {ConfigurationError}
 */
export function readNames(where: string, given: readonly unknown[], form: NameForm): readonly string[] {
  const names = given.filter((name) => typeof name === 'string').filter(form.isName);
  if (names.length === 0 || names.length < given.length) {
    throw new ConfigurationError(
      where,
      given.length === 0 ? `it names no ${form.noun}` : `something in it is not a ${form.noun}`,
      `Write each ${form.noun} as a text of its own: ${form.example}`,
    );
  }
  return Object.freeze([...new Set(names)]);
}

/** A name that a provider's administrators chose: anything but nothing, and no space that anonymousCaller sees. */
export function isPlainName(name: string): boolean {
  return name !== '' && name === name.trim();
}
