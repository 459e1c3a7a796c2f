import type { MetadataStorage } from 'class-validator';

import { ConfigurationError } from '../errors/configuration-error.js';
import { RefusalError } from '../errors/refusal-error.js';
import { findBrokenRules } from './class-rules.js';
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
