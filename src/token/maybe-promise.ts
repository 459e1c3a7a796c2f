/** A value that is at hand, or a promise of it. What is at hand is used without a turn of the microtask queue. */
export type MaybePromise<Value> = Value | Promise<Value>;

/**
 * Whether a value has to be awaited. `instanceof Promise` is not used: an app may have replaced the global `Promise` by a
 * class of which no async function's promise is an instance, and a pending verdict must not be taken for a user. Query
 * builders and proxies may be functions.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  return typeof (value as { readonly then?: unknown }).then === 'function';
}

/** Continues with a value at once where it is at hand, else when it is. */
export function chain<Value, Next>(
  value: MaybePromise<Value>,
  next: (value: Value) => MaybePromise<Next>,
): MaybePromise<Next> {
  return isThenable(value) ? value.then(next) : next(value);
}

/** Runs something that may throw or reject, and continues with `onError` in both cases. */
export function recover<Value>(
  run: () => MaybePromise<Value>,
  onError: (error: unknown) => MaybePromise<Value>,
): MaybePromise<Value> {
  let outcome: MaybePromise<Value>;
  try {
    outcome = run();
  } catch (error) {
    return onError(error);
  }
  return isThenable(outcome) ? outcome.then(undefined, onError) : outcome;
}
