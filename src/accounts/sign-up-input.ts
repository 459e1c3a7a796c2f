import { ConfigurationError } from '../errors/auth-error.js';
import { membersOf } from '../issuing/body-class.js';

/** A class of the app whose class-validator decorators state the further members of a sign-up. */
export type SignUpInputClass = new () => object;

/** @throws {ConfigurationError} for anything but a class with class-validator decorators. */
export function readSignUpInput(where: string, given: unknown): SignUpInputClass {
  if (typeof given !== 'function' || membersOf(given).length === 0) {
    throw new ConfigurationError(
      where,
      'a class with class-validator decorators is expected',
      'Decorate each of its properties, such as with @IsString()',
    );
  }
  return given as SignUpInputClass;
}
