/** A value or a promise of it. A value is used synchronously, without a turn of the microtask queue. */
export type MaybePromise<Value> = Value | Promise<Value>;

/**
 * Whether a value must be awaited. `instanceof Promise` is not used: an app may have replaced the global `Promise` by a
 * class that the promises of async functions are not instances of, and a pending promise must not be mistaken for a
 * user. Functions are included, because query builders and proxies may be functions with a `then`.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false;
  return typeof (value as { readonly then?: unknown }).then === 'function';
}

/** Calls `next` with a value: at once for a plain value, otherwise when the promise is fulfilled. */
export function chain<Value, Next>(
  value: MaybePromise<Value>,
  next: (value: Value) => MaybePromise<Next>,
): MaybePromise<Next> {
  return isThenable(value) ? value.then(next) : next(value);
}

/** Calls `run`, and calls `onError` when it throws or its promise rejects. */
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
