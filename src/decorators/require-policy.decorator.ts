import type { ExecutionContext } from '@nestjs/common';
import type { PolicyAnswer } from '../access/policy-evaluator.js';
import type { PolicyClass, PolicyRequirement } from '../access/requirement.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { AuthUser } from '../user/auth-user.js';
import { guardedRequirement } from './guarded-requirement.decorator.js';

/** An authorization rule of your app: a class that Nest's injector creates with its dependencies. */
export interface Policy {
  /**
   * Returns `true` to allow the call; `false`, or a text with the reason, to refuse it with 403. Every other result
   * refuses the call, and so does an error, which is logged at `error`. An `AuthUnavailableError` is answered with 503,
   * because the caller is not at fault.
   *
   * @param user the user of the token; `toUser` runs only after all requirements are satisfied
   */
  check(user: AuthUser, context: ExecutionContext): PolicyAnswer | PromiseLike<PolicyAnswer>;
}

/** A rule as a function, for rules without dependencies. */
export type PolicyFunction = Policy['check'];

const where = '@RequirePolicy';

/**
 * Requires that a rule of your app returns `true`. Other callers get 403. Includes the guard. Requirements of the class
 * apply in addition, and the rule runs after all other requirements are satisfied.
 *
 * A policy class must be a provider of the handler's module or of any other, and Nest's injector creates it. A
 * request-scoped policy, or one with a request-scoped dependency, is created for each request.
 *
 * ```ts
 * @Injectable()
 * class OwnsCat implements Policy {
 *   constructor(private readonly cats: CatsService) {}
 *
 *   async check(user: AuthUser, context: ExecutionContext) {
 *     const { id } = context.switchToHttp().getRequest().params;
 *     return (await this.cats.ownerOf(id)) === user.id || `the cat is somebody else's`;
 *   }
 * }
 * ```
 *
 * @throws {ConfigurationError} for a value that is neither a class nor a function, when the class is loaded; for a policy
 * class that no module provides, when the app starts.
 */
export function RequirePolicy(
  policy: (abstract new (...parts: never[]) => Policy) | PolicyFunction,
): ClassDecorator & MethodDecorator {
  return guardedRequirement(where, readRequirement(policy));
}

function readRequirement(policy: unknown): PolicyRequirement {
  if (typeof policy !== 'function') {
    throw new ConfigurationError(
      where,
      'a class or a function is expected',
      'Write the class, and not an instance of it',
    );
  }
  const name = policy.name === '' ? 'unnamed' : policy.name;
  if (isPolicyClass(policy)) return { kind: 'policy', name, policy: { made: 'by-injector', type: policy } };
  return { kind: 'policy', name, policy: { made: 'by-hand', check: policy as PolicyFunction } };
}

/** A class that is compiled to ES5 is a plain function, so a `check` method on its prototype also identifies a class. */
function isPolicyClass(policy: object): policy is PolicyClass {
  const { prototype } = policy as { readonly prototype?: unknown };
  if (typeof prototype === 'object' && prototype !== null && 'check' in prototype) return true;
  return /^class\b/.test(Function.prototype.toString.call(policy));
}

/**
 * Requires that the user still exists at their provider and is not disabled there. The profile is looked up before the
 * handler runs. A user who was deleted or locked is refused with 401 `INVALID_TOKEN`, reason `revoked`, although the token
 * verifies. While the provider does not answer and no usable profile is cached, the response is 503. Includes the guard.
 *
 * Profiles that `UserProfileService` has cached count, as `AuthModule.forRoot({ profiles })` configures. Use
 * `@VerifyOnline()` to call the issuer for every request.
 */
export function RequireProfile(): ClassDecorator & MethodDecorator {
  return guardedRequirement('@RequireProfile', { kind: 'profile' });
}
