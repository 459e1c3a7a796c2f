/**
 * A place outside of the app where several of its instances share what they know of users: any Keyv
 * (`new Keyv(new KeyvRedis('redis://…'))`), or an object with the same three methods.
 *
 * Who can write to it decides what your handlers are told about users, so it is as private as your database. Apps that
 * share one server give each of their Keyvs a `namespace` of its own.
 */
export interface ProfileStore {
  get(key: string): unknown;
  /** `ttlMs`: milliseconds after which the entry is worth nothing. */
  set(key: string, value: string, ttlMs: number): unknown;
  delete(key: string): unknown;
  /** The values in the order of the keys; used where it is there. */
  getMany?(keys: string[]): unknown;
}

/** Whether something given has the methods. */
export function isProfileStore(value: unknown): value is ProfileStore {
  if (typeof value !== 'object' || value === null) return false;
  const store = value as Readonly<Record<string, unknown>>;
  return ['get', 'set', 'delete'].every((name) => typeof store[name] === 'function');
}
