import type { MetadataStorage, ValidationError } from 'class-validator';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from './json-object.js';

/** A class whose class-validator decorators say what an app requires of the claims. */
export type ClaimsClass = new () => object;

/** Refuses claims that do not satisfy the app's own requirements. */
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
    const broken = await findBrokenRules(new claimsClass(), claims);
    if (broken !== undefined) {
      throw RefusalError.token('claim', `The app's ${claimsClass.name} is not satisfied: ${broken}`);
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
 * The rules of an object's class, its class-validator decorators, that these members break: `name (isString)`.
 * `undefined` when they break none. Values are never repeated.
 *
 * @param target a new object of the class; the members become its own.
 */
export async function findBrokenRules(target: object, members: JsonObject): Promise<string | undefined> {
  // Loaded when it is first needed: an app is quicker to start without it.
  const { validate } = await import('class-validator');
  const errors = await validate(fill(target, members));
  return errors.length === 0 ? undefined : errors.map(describe).join('; ');
}

/**
 * Defines each member as it is; assigning would let one named `__proto__` swap the object's class. A member
 * named like a method or a getter is left out: `constructor` tells class-validator whose rules to apply, rules may
 * call the others, and a getter is a rule's own view of the members.
 */
function fill(target: object, members: JsonObject): object {
  for (const [name, value] of Object.entries(members)) {
    if (isOfTheClass(target, name)) continue;
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return target;
}

function isOfTheClass(target: object, name: string): boolean {
  const member = findMember(target, name);
  return typeof member?.value === 'function' || (member?.get !== undefined && member.set === undefined);
}

/** Without reading it: a getter may need members that are not there yet. */
function findMember(target: object, name: string): PropertyDescriptor | undefined {
  for (let level: object | null = target; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    const member = Reflect.getOwnPropertyDescriptor(level, name);
    if (member !== undefined) return member;
  }
  return undefined;
}

/** The member and the rules it breaks. Messages are left out: a class's own may repeat the value. */
function describe(error: ValidationError): string {
  const rules = Object.keys(error.constraints ?? {}).join(', ');
  const below = (error.children ?? []).map((child) => `${error.property}.${describe(child)}`);
  return [...(rules === '' ? [] : [`${error.property} (${rules})`]), ...below].join('; ');
}
