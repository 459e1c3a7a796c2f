import type { AccountStore } from '../../src/accounts/account-store.js';

export interface WatchedAccountStore {
  readonly store: AccountStore;
  /** The methods that were called, in their order. */
  readonly calls: string[];
  /** Fails one call, by its number from 1: before anything is done, or when only its answer is lost. */
  failAt: { readonly call: number; readonly when: 'before' | 'after' } | null;
  /** Called once, before the next call of a method, or after it. */
  readonly once: (when: 'before' | 'after', method: keyof AccountStore, run: () => Promise<unknown>) => void;
}

/** A store that fails, or calls a function, between two steps of a request. */
export function watchAccountStore(store: AccountStore): WatchedAccountStore {
  const interruptions = new Map<string, () => Promise<unknown>>();
  const interrupt = async (key: string): Promise<void> => {
    const run = interruptions.get(key);
    interruptions.delete(key);
    await run?.();
  };
  const watched: WatchedAccountStore = {
    calls: [],
    failAt: null,
    once: (when, method, run) => interruptions.set(`${when} ${method}`, run),
    store: new Proxy(store, {
      get: (target, name, receiver) => {
        const method: unknown = Reflect.get(target, name, receiver);
        if (typeof method !== 'function') return method;
        return async (...given: unknown[]): Promise<unknown> => {
          watched.calls.push(String(name));
          const { failAt } = watched;
          const isFailing = failAt?.call === watched.calls.length;
          if (isFailing && failAt.when === 'before') throw new Error('The store is down');
          await interrupt(`before ${String(name)}`);
          const result: unknown = await Reflect.apply(method, target, given);
          await interrupt(`after ${String(name)}`);
          if (isFailing) throw new Error('The answer of the store was lost');
          return result;
        };
      },
    }),
  };
  return watched;
}
