import { applyToTarget } from './apply-to-target.js';

/**
 * Opens a handler, or every handler of a class, to everybody: the guard does not look at the token, and
 * `@CurrentUser()` gives `null`. A mark on a handler counts more than one on its class, and
 * `@UseGuards(AuthGuard)` on a handler is such a mark.
 *
 * To know the user where there is one, use `@OptionalAuth()`.
 */
export function Public(): ClassDecorator & MethodDecorator {
  return applyToTarget('@Public', { mode: 'public' });
}
