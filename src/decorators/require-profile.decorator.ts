import { guardedRequirement } from './guarded-requirement.decorator.js';

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
