/**
 * Whether a value has to be waited for. Never asked by `instanceof Promise`: an app may have put another class
 * in the place of the global `Promise`, of which no async function's promise is one, and a verdict that is
 * still open must not be taken for a user. Query builders and proxies may be functions.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  return typeof (value as { readonly then?: unknown }).then === 'function';
}
