import { guardedRequirement } from './guarded-requirement.decorator.js';

/**
 * Has the issuer asked about the token of each call before it gets to a handler, or to any handler of a class: one that
 * was revoked since it was signed, or whose user is gone, is refused there (401 `INVALID_TOKEN`), and 503 is the
 * answer while the issuer does not say. Tokens are judged here first, so that no forged one is asked about. Brings the
 * guard along.
 *
 * It takes an issuer that can be asked: `stackAuth`, `propelAuth`, or `oidc({ introspection })`. A token of any other
 * is answered with 500, and the log names the option that is missing. Under `@OptionalAuth()` a token that the issuer
 * refuses goes by `onInvalid`, and an issuer that does not answer by `onUnavailable`.
 */
export function VerifyOnline(): ClassDecorator & MethodDecorator {
  return guardedRequirement('@VerifyOnline', { kind: 'online' });
}
