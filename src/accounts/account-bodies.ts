import { IsBoolean, IsDefined, IsOptional, ValidateBy, type ValidationError, validate } from 'class-validator';

import { findPackage } from '../configuration/load-package.js';
import { type FieldProblem, RefusalError } from '../errors/auth-error.js';
import { checkMembers, readJsonBody } from '../issuing/request-body.js';
import type { JsonObject } from '../token/json-object.js';
import { fitsRule, type RuleName } from './account-input.js';
import { membersOf, type SignUpInputClass } from './sign-up-input.js';

/** A member that must be given, and keeps a rule. */
const Required = (rule: RuleName): PropertyDecorator => together(IsDefined({ message: 'it is missing' }), Fits(rule));

/** A member that may be left out, or be null. */
const Optional = (rule: RuleName): PropertyDecorator => together(IsOptional(), Fits(rule));

const OptionalSwitch = (): PropertyDecorator =>
  together(IsOptional(), IsBoolean({ message: 'true or false is expected' }));

function Fits(rule: RuleName): PropertyDecorator {
  return ValidateBy({
    name: rule,
    validator: {
      validate: (value: unknown) => fitsRule(rule, value) === null,
      defaultMessage: (given) => fitsRule(rule, given?.value) ?? '',
    },
  });
}

function together(...decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, name) => {
    for (const decorate of decorators) decorate(target, name);
  };
}

/** `PATCH /auth/me` */
export class ProfileBody {
  @Optional('name') readonly name?: string | null;
  @Optional('name') readonly givenName?: string | null;
  @Optional('name') readonly familyName?: string | null;
  @Optional('pictureUrl') readonly pictureUrl?: string | null;
}

/** `POST /auth/sign-up` */
export class SignUpBody extends ProfileBody {
  @Required('email') readonly email!: string;
  @Optional('password') readonly password?: string | null;
  @Optional('username') readonly username?: string | null;
}

/** `POST /auth/sign-in` */
export class SignInBody {
  @Optional('text') readonly email?: string | null;
  @Optional('text') readonly username?: string | null;
  @Required('text') readonly password!: string;
  @OptionalSwitch() readonly remember?: boolean | null;
}

/** `POST /auth/password/change` */
export class ChangePasswordBody {
  @Optional('text') readonly currentPassword?: string | null;
  @Required('text') readonly password!: string;
}

/** The routes that mail a code to an address. */
export class AddressBody {
  @Required('email') readonly email!: string;
}

/** A code that was mailed: the one of the link, or the one for typing with the address. */
export class CodeBody {
  @Required('text') readonly code!: string;
  @Optional('text') readonly email?: string | null;
}

/** `POST /auth/magic-link/confirm` */
export class MagicLinkBody extends CodeBody {
  @OptionalSwitch() readonly remember?: boolean | null;
}

/** `POST /auth/email/verify` */
export class VerifyEmailBody extends MagicLinkBody {
  @Optional('text') readonly password?: string | null;
}

/** `POST /auth/password/reset` */
export class ResetPasswordBody extends CodeBody {
  @Required('text') readonly password!: string;
}

/** `POST /auth/totp` */
export class TotpBody {
  @Required('text') readonly code!: string;
}

/** `POST /auth/sign-in/totp` */
export class SecondFactorBody extends TotpBody {
  @Required('text') readonly attemptCode!: string;
}

/** `POST /auth/passkeys/sign-in` */
export class PasskeySignInBody {
  @Required('object') readonly response!: JsonObject;
  @Optional('text') readonly attempt?: string | null;
  @OptionalSwitch() readonly remember?: boolean | null;
}

/** `POST /auth/passkeys` */
export class PasskeyBody {
  @Required('object') readonly response!: JsonObject;
  @Optional('passkeyName') readonly name?: string | null;
  @Optional('text') readonly attempt?: string | null;
}

/**
 * Reads the body of a request as a class above. A member that it does not have is refused: a misspelt one would change what the request
 * does without anybody noticing.
 *
 * @throws {RefusalError} `INVALID_INPUT` with each member that is wrong, missing or unknown, and as `readJsonBody` does.
 */
export async function readBody<Body extends object>(bodyClass: new () => Body, request: object): Promise<Body> {
  const members = await readJsonBody(request);
  checkMembers(members, membersOf(bodyClass));
  return await check(Object.assign(new bodyClass(), members));
}

/** For routes without members in their body. @throws {RefusalError} `INVALID_INPUT` for any */
export async function readEmptyBody(request: object): Promise<void> {
  checkMembers(await readJsonBody(request), []);
}

/**
 * The body of a sign-up, whose further members are those of a class of the app.
 *
 * @param findProblems what else is wrong with it
 */
export async function readSignUpBody(
  inputClass: SignUpInputClass | null,
  request: object,
  findProblems: (body: SignUpBody) => readonly FieldProblem[],
): Promise<{ readonly body: SignUpBody; readonly input: object | null }> {
  const members = await readJsonBody(request);
  const own = membersOf(SignUpBody);
  const further = inputClass === null ? [] : membersOf(inputClass).filter((name) => !own.includes(name));
  checkMembers(members, [...own, ...further]);
  const part = (names: readonly string[]): object =>
    Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)));
  const body = Object.assign(new SignUpBody(), part(own));
  const input = inputClass === null ? null : await toInstance(inputClass, part(further));
  const problems = [
    ...(await problemsOf(body)),
    ...findProblems(body),
    ...(input === null ? [] : await problemsOf(input)),
  ];
  if (problems.length > 0) throw RefusalError.input(problems.slice(0, mostProblems));
  return { body, input };
}

const mostProblems = 20;

async function check<Body extends object>(body: Body): Promise<Body> {
  const problems = await problemsOf(body);
  if (problems.length > 0) throw RefusalError.input(problems.slice(0, mostProblems));
  return body;
}

/** Members of members are objects of their classes where the app has class-transformer, whose decorators name those. */
async function toInstance(inputClass: SignUpInputClass, members: object): Promise<object> {
  const transformer = await findPackage(() => import('class-transformer'), 'class-transformer');
  return transformer === null
    ? Object.assign(new inputClass(), members)
    : transformer.plainToInstance(inputClass, members);
}

async function problemsOf(body: object): Promise<readonly FieldProblem[]> {
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
