import {
  getMetadataStorage,
  IsBoolean,
  IsDefined,
  IsOptional,
  ValidateBy,
  type ValidationError,
  validate,
} from 'class-validator';

import { type FieldProblem, RefusalError } from '../errors/auth-error.js';
import { checkMembers, readJsonBody } from './request-body.js';

/** States what is expected of a member of a body; `null` for a value that keeps the rule. */
export type BodyRule = (value: unknown) => string | null;

/** A member that must be given, and keeps a rule. */
export const Required = (name: string, rule: BodyRule): PropertyDecorator =>
  together(IsDefined({ message: 'it is missing' }), Fits(name, rule));

/** A member that may be left out, or be null. */
export const Optional = (name: string, rule: BodyRule): PropertyDecorator => together(IsOptional(), Fits(name, rule));

export const OptionalSwitch = (): PropertyDecorator =>
  together(IsOptional(), IsBoolean({ message: 'true or false is expected' }));

function Fits(name: string, rule: BodyRule): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => rule(value) === null,
      defaultMessage: (given) => rule(given?.value) ?? '',
    },
  });
}

function together(...decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, name) => {
    for (const decorate of decorators) decorate(target, name);
  };
}

/** The members of a class that have class-validator decorators. */
export function membersOf(bodyClass: object): readonly string[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(bodyClass as () => void, '', true, false);
  return [...new Set(rules.map(({ propertyName }) => propertyName))];
}

/**
 * Reads the body of a request as a class with class-validator decorators. A member that it does not have is refused: a misspelt one would
 * change what the request does without anybody noticing.
 *
 * @throws {RefusalError} `INVALID_INPUT` with each member that is wrong, missing or unknown, and as `readJsonBody` does.
 */
export async function readBody<Body extends object>(bodyClass: new () => Body, request: object): Promise<Body> {
  const members = await readJsonBody(request);
  checkMembers(members, membersOf(bodyClass));
  const body = Object.assign(new bodyClass(), members);
  refuseProblems(await problemsOf(body));
  return body;
}

/** For routes without members in their body. @throws {RefusalError} `INVALID_INPUT` for any */
export async function readEmptyBody(request: object): Promise<void> {
  checkMembers(await readJsonBody(request), []);
}

const mostProblems = 20;

/** @throws {RefusalError} `INVALID_INPUT` if there are any. */
export function refuseProblems(problems: readonly FieldProblem[]): void {
  if (problems.length > 0) throw RefusalError.input(problems.slice(0, mostProblems));
}

/** What is wrong with the members of an object of a class with class-validator decorators. */
export async function problemsOf(body: object): Promise<readonly FieldProblem[]> {
  if (membersOf(body.constructor).length === 0) return [];
  const errors = await validate(body, {
    whitelist: true,
    forbidNonWhitelisted: true,
    stopAtFirstError: true,
    validationError: { target: false, value: false },
  });
  return errors.flatMap((error) => toProblems(error, ''));
}

function toProblems({ property, constraints, children }: ValidationError, above: string): readonly FieldProblem[] {
  const path = above + property;
  const own = Object.values(constraints ?? {}).map((message) => ({ path, message }));
  return [...own, ...(children ?? []).flatMap((child) => toProblems(child, `${path}.`))];
}
