import { UseGuards, applyDecorators } from '@nestjs/common';
import {
  writeAuthMetadata,
  addRequirement,
  type AuthMetadata,
  type DeclaredRequirement,
} from '../access/route-metadata.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { AuthGuard } from '../guard/auth.guard.js';

/** A decorator that requires something and brings along the guard that asks for it. */
export function guardedRequirement(where: string, demand: DeclaredRequirement): ClassDecorator & MethodDecorator {
  return applyDecorators(requirementOf(where, demand), UseGuards(AuthGuard));
}

/**
 * A decorator that writes a mark on the handler or on the class it stands on.
 *
 * @param where the decorator's name, `@Public`
 * @throws {ConfigurationError} from the decorator, on a field or an accessor: what it is then handed is the class
 * itself, or its prototype, and a mark there would open every handler, or none.
 */
export function applyToTarget(where: string, mark: AuthMetadata): ClassDecorator & MethodDecorator {
  return onTarget(where, (target) => {
    writeAuthMetadata(target, mark);
  });
}

/** A decorator that adds a demand to those that stand on the handler or the class already; throws as `applyToTarget`. */
function requirementOf(where: string, demand: DeclaredRequirement): ClassDecorator & MethodDecorator {
  return onTarget(where, (target) => {
    addRequirement(target, demand);
  });
}

/** A decorator that writes metadata on the handler or the class; throws as `applyToTarget`. */
export function onTarget(where: string, write: (target: object) => void): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const marked: unknown = name === undefined ? target : descriptor?.value;
    if (typeof marked !== 'function') {
      throw new ConfigurationError(where, `${String(name)} is no method`, 'Write it on a handler or on a class');
    }
    write(marked);
  };
}

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
