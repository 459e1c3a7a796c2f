import type { ExecutionContext } from '@nestjs/common';
import type { PolicyAnswer } from '../access/policy-evaluator.js';
import type { PolicyClass, PolicyRequirement } from '../access/requirement.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { AuthUser } from '../user/auth-user.js';
import { guardedRequirement } from './guarded-requirement.decorator.js';

/** A rule of your app's about who may do what: a class that Nest's injector makes, with whatever it needs. */
export interface Policy {
  /**
   * Gives `true` to let the call pass; `false`, or a reason, to refuse it with 403. Whatever else it gives refuses, and
   * so does what it throws, which goes into the log at `error`; a `AuthUnavailableError` is a 503, as anonymousCaller is to blame for an outage.
   *
   * @param user as the token has them: `toUser` runs when all demands are met
   */
  check(user: AuthUser, context: ExecutionContext): PolicyAnswer | PromiseLike<PolicyAnswer>;
}

/** The same as a function, for rules that need nothing else. */
export type PolicyFunction = Policy['check'];

const where = '@RequirePolicy';

/**
 * Lets a call pass about which a rule of your own says `true`; others get 403. Brings the guard along, adds up with
 * what the class demands, and is asked when everything else that is demanded is met.
 *
 * A class is made by Nest's injector and has to be a provider: of the handler's own module, or of any other. One that
 * is request-scoped, or injects what is, is made for each request.
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
 * @throws {ConfigurationError} for anything but a class or a function when the class is loaded, and for a class that no
 * module provides when the app starts.
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
      'Write the class, and not an object of it',
    );
  }
  const name = policy.name === '' ? 'unnamed' : policy.name;
  if (isPolicyClass(policy)) return { kind: 'policy', name, policy: { made: 'by-injector', type: policy } };
  return { kind: 'policy', name, policy: { made: 'by-hand', check: policy as PolicyFunction } };
}

/** Compiled for old engines a class is a function like any other, but for what hangs on it. */
function isPolicyClass(policy: object): policy is PolicyClass {
  const { prototype } = policy as { readonly prototype?: unknown };
  if (typeof prototype === 'object' && prototype !== null && 'check' in prototype) return true;
  return /^class\b/.test(Function.prototype.toString.call(policy));
}

/**
 * Lets a user through whom their provider still knows, and does not bar: the profile is looked up before the handler
 * runs, and a user who was deleted or locked there is refused (401 `INVALID_TOKEN`, reason `revoked`) although the token
 * verifies; 503 while the provider does not answer and nothing is known of the user. Brings the guard along.
 *
 * What `UserProfileService` remembers counts: how new it is, `AuthModule.forRoot({ profiles })` says. To have the
 * issuer asked at every call there is `@VerifyOnline()`.
 */
export function RequireProfile(): ClassDecorator & MethodDecorator {
  return guardedRequirement('@RequireProfile', { kind: 'profile' });
}
