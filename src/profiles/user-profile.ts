import { deepFreeze } from '../token/json-object.js';

/** An account at another provider that a user signs in with. */
export interface OAuthAccount {
  /** The name of the other provider: `google`, `github`. */
  readonly id: string;
  /** The user's id there. */
  readonly accountId: string;
  readonly email: string | null;
}

/**
 * A user as their provider currently describes them, in one form for all providers. Fields that a provider does not
 * have are `null`. The object is deeply frozen.
 */
export interface UserProfile {
  /** The same as `AuthUser.id`. */
  readonly id: string;
  readonly displayName: string | null;
  readonly primaryEmail: string | null;
  readonly primaryEmailVerified: boolean | null;
  readonly profileImageUrl: string | null;
  readonly signedUpAt: Date | null;
  readonly lastActiveAt: Date | null;
  readonly hasPassword: boolean | null;
  readonly isAnonymous: boolean | null;
  readonly oauthProviders: readonly OAuthAccount[] | null;
  /** The provider's response with its own names; `{}` where a source of your app omits it. */
  readonly raw: Readonly<Record<string, unknown>>;
}

const texts = ['displayName', 'primaryEmail', 'profileImageUrl'] as const;
const switches = ['primaryEmailVerified', 'hasPassword', 'isAnonymous'] as const;
const dates = ['signedUpAt', 'lastActiveAt'] as const;

type Given = Readonly<Record<string, unknown>>;

/**
 * Makes the profile of the user `id` from the values of a source or a store, or names the field that is invalid. The
 * profile contains only validated values, and shares no object with the input.
 */
export function toUserProfile(id: string, values: Given): UserProfile | { readonly wrong: string } {
  // A source may return a list of profiles instead of one.
  if (!isPlain(values)) return { wrong: 'form' };
  const raw = copyJson(values['raw'] ?? {});
  const wrong = findWrong(id, values) ?? (isPlain(raw) ? undefined : 'raw');
  if (wrong !== undefined) return { wrong };
  const profile = {
    id,
    ...pick(texts, values),
    ...pick(switches, values),
    oauthProviders: (values['oauthProviders'] as readonly OAuthAccount[] | null | undefined)?.map(toAccount) ?? null,
    raw,
  };
  for (const name of dates) Object.defineProperty(profile, name, dateProperty(values[name] as Date | null | undefined));
  return deepFreeze(profile as unknown as UserProfile);
}

function findWrong(id: string, values: Given): string | undefined {
  if (values['id'] !== undefined && values['id'] !== id) return 'id';
  const accounts = values['oauthProviders'] ?? [];
  if (!Array.isArray(accounts) || !accounts.every(isAccount)) return 'oauthProviders';
  const isWrong = (name: string, fits: (value: unknown) => boolean): boolean => !fits(values[name] ?? null);
  return (
    texts.find((name) => isWrong(name, isText)) ??
    switches.find((name) => isWrong(name, (value) => value === null || typeof value === 'boolean')) ??
    dates.find((name) => isWrong(name, isDate))
  );
}

function isText(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

function isDate(value: unknown): boolean {
  return value === null || (value instanceof Date && !Number.isNaN(value.getTime()));
}

function isAccount(value: unknown): boolean {
  if (!isPlain(value)) return false;
  const { id, accountId, email = null } = value;
  return typeof id === 'string' && typeof accountId === 'string' && isText(email);
}

function toAccount({ id, accountId, email }: OAuthAccount): OAuthAccount {
  // A source that is written in JavaScript may omit it.
  return { id, accountId, email: email ?? null };
}

function pick<Name extends string>(names: readonly Name[], values: Given): Record<Name, unknown> {
  return Object.fromEntries(names.map((name) => [name, values[name] ?? null])) as Record<Name, unknown>;
}

/** Creates a new `Date` at each read, because a `Date` cannot be frozen and many requests share one profile. */
function dateProperty(date: Date | null | undefined): PropertyDescriptor {
  const time = date?.getTime();
  return { enumerable: true, get: () => (time === undefined ? null : new Date(time)) };
}

/** Copies a value through JSON, so that a profile of a source equals the same profile read from a store. */
function copyJson(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return undefined;
  }
}

function isPlain(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
