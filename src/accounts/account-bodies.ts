import { findPackage } from '../configuration/load-package.js';
import type { FieldProblem } from '../errors/auth-error.js';
import {
  membersOf,
  Optional as OptionalMember,
  OptionalSwitch,
  problemsOf,
  refuseProblems,
  Required as RequiredMember,
} from '../issuing/body-class.js';
import { checkMembers, readJsonBody } from '../issuing/request-body.js';
import type { JsonObject } from '../token/json-object.js';
import { fitsRule, type RuleName } from './account-input.js';
import type { SignUpInputClass } from './sign-up-input.js';

export { readBody, readEmptyBody } from '../issuing/body-class.js';

const Required = (rule: RuleName): PropertyDecorator => RequiredMember(rule, (value) => fitsRule(rule, value));
const Optional = (rule: RuleName): PropertyDecorator => OptionalMember(rule, (value) => fitsRule(rule, value));

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
  refuseProblems(problems);
  return { body, input };
}

/** Members of members are objects of their classes where the app has class-transformer, whose decorators name those. */
async function toInstance(inputClass: SignUpInputClass, members: object): Promise<object> {
  const transformer = await findPackage(() => import('class-transformer'), 'class-transformer');
  return transformer === null
    ? Object.assign(new inputClass(), members)
    : transformer.plainToInstance(inputClass, members);
}
