import type { MetadataStorage, ValidationError } from 'class-validator';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from './json-object.js';

/** A class whose class-validator decorators state what an app requires of the claims. */
export type ClaimsClass = new () => object;

/** Refuses claims that do not satisfy the app's own requirements. */
export type ClaimsCheck = (claims: JsonObject) => Promise<void>;

/**
 * Creates the check for an app's claims class.
 *
 * @throws {ConfigurationError} when the class has no class-validator decorator, because class-validator would refuse
 * all claims.
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
    const brokenRules = await findBrokenRules(new claimsClass(), claims);
    if (brokenRules !== undefined) {
      throw RefusalError.token('claim', `The app's ${claimsClass.name} is not satisfied: ${brokenRules}`);
    }
  };
}

/**
 * Whether the class has class-validator decorators. class-validator keeps its metadata in a global, which is read
 * without importing the package: an app whose class is decorated has loaded it already, and other apps start faster
 * without it.
 */
function isDecorated(claimsClass: ClaimsClass): boolean {
  const { classValidatorMetadataStorage: storage } = globalThis as { classValidatorMetadataStorage?: MetadataStorage };
  return (storage?.getTargetValidationMetadatas(claimsClass, '', false, false).length ?? 0) > 0;
}

/**
 * Names the class-validator rules of an object's class that the given members violate, for example `name (isString)`;
 * `undefined` when they violate none. Values are never repeated.
 *
 * @param target a new object of the class, to which the members are added
 */
async function findBrokenRules(target: object, members: JsonObject): Promise<string | undefined> {
  // Loaded at the first use, so that apps without a claims class start faster.
  const { validate } = await import('class-validator');
  const errors = await validate(fill(target, members));
  return errors.length === 0 ? undefined : errors.map(describe).join('; ');
}

/**
 * Defines each member as an own property, because assigning `__proto__` would replace the object's class. Members with
 * the name of a method or of a getter without setter are skipped: class-validator finds the rules by `constructor`,
 * rules may call other methods, and a getter computes a value from the members for a rule.
 */
function fill(target: object, members: JsonObject): object {
  for (const [name, value] of Object.entries(members)) {
    if (isMethodOrGetter(target, name)) continue;
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  }
  return target;
}

function isMethodOrGetter(target: object, name: string): boolean {
  const member = findMember(target, name);
  return typeof member?.value === 'function' || (member?.get !== undefined && member.set === undefined);
}

/** Returns the descriptor, because reading a getter may need members that are not defined yet. */
function findMember(target: object, name: string): PropertyDescriptor | undefined {
  for (let level: object | null = target; level !== null; level = Object.getPrototypeOf(level) as object | null) {
    const member = Reflect.getOwnPropertyDescriptor(level, name);
    if (member !== undefined) return member;
  }
  return undefined;
}

/**
 * The member and the rules that it violates. Messages are omitted, because a message of the app may repeat the value.
 */
function describe(error: ValidationError): string {
  const rules = Object.keys(error.constraints ?? {}).join(', ');
  const nested = (error.children ?? []).map((child) => `${error.property}.${describe(child)}`);
  return [...(rules === '' ? [] : [`${error.property} (${rules})`]), ...nested].join('; ');
}
