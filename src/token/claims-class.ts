import type { MetadataStorage, ValidationError } from 'class-validator';

import { ConfigurationError } from '../errors/configuration-error.js';
import { RefusalError } from '../errors/refusal-error.js';
import type { JsonObject } from './json-object.js';

/** A class whose class-validator decorators say what an app demands of the claims. */
export type ClaimsClass = new () => object;

/** Refuses claims that do not satisfy the app's own demands. */
export type ClaimsCheck = (claims: JsonObject) => Promise<void>;

/**
 * Makes the check of an app's claims class.
 *
 * @throws {ConfigurationError} when the class carries no decorator: class-validator would refuse everything.
 */
export function createClaimsCheck(where: string, given: unknown): ClaimsCheck {
  if (typeof given !== 'function') {
    throw new ConfigurationError(where, 'a class is expected', 'Write a class with class-validator decorators');
  }
  const claimsClass = given as ClaimsClass;
  if (!isDecorated(claimsClass)) {
    throw new ConfigurationError(
      where,
      `${claimsClass.name} has no class-validator decorator`,
      'Decorate at least one property, or leave the option out',
    );
  }
  return async (claims) => {
    const { validate } = await import('class-validator');
    const errors = await validate(fill(new claimsClass(), claims));
    if (errors.length > 0) {
      throw RefusalError.token(
        'claim',
        `The app's ${claimsClass.name} is not satisfied: ${errors.map(describe).join('; ')}`,
      );
    }
  };
}

/**
 * Whether class-validator knows the class. Its storage is looked for where it leaves it for all of its copies:
 * importing it here would make every app load it at its start, and one whose class is decorated has done so.
 */
function isDecorated(claimsClass: ClaimsClass): boolean {
  const { classValidatorMetadataStorage: storage } = globalThis as { classValidatorMetadataStorage?: MetadataStorage };
  return (storage?.getTargetValidationMetadatas(claimsClass, '', false, false).length ?? 0) > 0;
}

/**
 * Defines each claim as it is; assigning would let a claim named `__proto__` swap the object's class. A claim
 * named like a method or a getter is left out: `constructor` tells class-validator whose rules to apply, rules may
 * call the others, and a getter is a rule's own view of the claims.
 */
function fill(target: object, claims: JsonObject): object {
  for (const [name, value] of Object.entries(claims)) {
    if (isOfTheClass(target, name)) continue;
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return target;
}

function isOfTheClass(target: object, name: string): boolean {
  const member = findMember(target, name);
  return typeof member?.value === 'function' || (member?.get !== undefined && member.set === undefined);
}

/** Without reading it: a getter may need claims that are not there yet. */
function findMember(target: object, name: string): PropertyDescriptor | undefined {
  for (let level: object | null = target; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    const member = Reflect.getOwnPropertyDescriptor(level, name);
    if (member !== undefined) return member;
  }
  return undefined;
}

/** The claim and the rules it breaks. Messages are left out: an app's own may repeat the value. */
function describe(error: ValidationError): string {
  const rules = Object.keys(error.constraints ?? {}).join(', ');
  const below = (error.children ?? []).map((child) => `${error.property}.${describe(child)}`);
  return [...(rules === '' ? [] : [`${error.property} (${rules})`]), ...below].join('; ');
}
