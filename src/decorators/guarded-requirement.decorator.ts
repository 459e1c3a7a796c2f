import { UseGuards, applyDecorators } from '@nestjs/common';
import {
  writeAuthMetadata,
  addRequirement,
  type AuthMetadata,
  type DeclaredRequirement,
} from '../access/route-metadata.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { AuthGuard } from '../guard/auth.guard.js';

/** Creates a decorator that adds a requirement, together with the guard that checks it. */
export function guardedRequirement(where: string, requirement: DeclaredRequirement): ClassDecorator & MethodDecorator {
  return applyDecorators(requirementOf(where, requirement), UseGuards(AuthGuard));
}

/**
 * Creates a decorator that writes metadata to a handler or a class.
 *
 * @param where the decorator's name, `@Public`
 * @throws {ConfigurationError} from the decorator, on a field or an accessor: its target is then the class itself or its
 * prototype, and metadata there would apply to every handler, or to none.
 */
export function applyToTarget(where: string, metadata: AuthMetadata): ClassDecorator & MethodDecorator {
  return onTarget(where, (target) => {
    writeAuthMetadata(target, metadata);
  });
}

/** Creates a decorator that adds a requirement to those that the handler or the class already has. */
function requirementOf(where: string, requirement: DeclaredRequirement): ClassDecorator & MethodDecorator {
  return onTarget(where, (target) => {
    addRequirement(target, requirement);
  });
}

/** A decorator that writes metadata on the handler or the class; throws as `applyToTarget`. */
export function onTarget(where: string, write: (target: object) => void): ClassDecorator & MethodDecorator {
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    const decorated: unknown = name === undefined ? target : descriptor?.value;
    if (typeof decorated !== 'function') {
      throw new ConfigurationError(where, `${String(name)} is not a method`, 'Write it on a handler or on a class');
    }
    write(decorated);
  };
}

/** Describes the names that a decorator takes, for the messages about wrong ones. */
export interface NameForm {
  /** `role` */
  readonly noun: string;
  readonly isName: (name: string) => boolean;
  /** Correct code: `@RequireRoles('admin', 'editor')`. */
  readonly example: string;
}

/**
 * Reads the arguments of a decorator as a list of names without duplicates, at least one.
 *
 * @throws {ConfigurationError}
 */
export function readNames(where: string, given: readonly unknown[], form: NameForm): readonly string[] {
  const names = given.filter((name) => typeof name === 'string').filter(form.isName);
  if (names.length === 0 || names.length < given.length) {
    throw new ConfigurationError(
      where,
      given.length === 0 ? `it names no ${form.noun}` : `something in it is not a ${form.noun}`,
      `Write each ${form.noun} as a separate text: ${form.example}`,
    );
  }
  return Object.freeze([...new Set(names)]);
}

/** Whether a name that administrators of a provider chose is plausible: not empty, and without spaces at its ends. */
export function isPlainName(name: string): boolean {
  return name !== '' && name === name.trim();
}
