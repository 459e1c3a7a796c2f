import { type Clock, readMilliseconds } from '../clock/clock.js';
import { readOptions } from '../configuration/read-options.js';
import { RefusalError } from '../errors/auth-error.js';
import type { ApiKeyFormat, ApiKeyParts, ApiKeyText } from './api-key-format.js';
import { currentHashVersion, hashApiKey } from './api-key-hash.js';
import { checkInput, checkUserId, findProblems, isText } from './api-key-input.js';
import type { ApiKeyChanges, ApiKeyStore, StoredApiKey } from './api-key-store.js';
import { askStore } from '../ask-store.js';

/** An API key, without its secret. */
export interface ApiKey {
  /** What precedes the last `_` of its text. It may be shown and logged. */
  readonly id: string;
  /** The user whom it stands for. */
  readonly userId: string;
  readonly name: string | null;
  /** The scopes of its callers. */
  readonly scopes: readonly string[];
  /** Which of the user's roles its callers have. */
  readonly roles: readonly string[];
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  /** At most two minutes late. */
  readonly lastUsedAt: Date | null;
}

/** A key that was created or rotated. Its secret is not stored: show it once, and forget it. */
export interface IssuedApiKey extends ApiKeyText {
  readonly key: ApiKey;
}

/** What a key is created with. */
export interface NewApiKey {
  /** The user whom it stands for. Take it from the guard (`@CurrentUser('id')`), never from the body of a request. */
  readonly userId: string;
  /** At most 200 characters. @defaultValue null */
  readonly name?: string | null;
  /** @defaultValue []: none */
  readonly scopes?: readonly string[];
  /** Those of the user's roles that callers shall have. @defaultValue []: none */
  readonly roles?: readonly string[];
  /** @defaultValue never, or after `maxLifetimeSeconds` */
  readonly expiresAt?: Date | null;
}

export interface ApiKeyListOptions {
  /** 1 to 200. @defaultValue 50 */
  readonly limit?: number;
  /** The `nextCursor` of the part before. */
  readonly cursor?: string;
}

/** A part of a list. */
export interface ApiKeyPage {
  readonly items: readonly ApiKey[];
  /** What to pass as `cursor` for the next part; `null` when there is none. */
  readonly nextCursor: string | null;
}

export interface ApiKeyServiceParts {
  readonly format: ApiKeyFormat;
  readonly findStore: () => ApiKeyStore;
  readonly clock: Clock;
  readonly maxLifetimeMs: number | null;
  /** Called with the ids of keys that were changed: this process forgets what it knows of them. */
  readonly onChanged: (ids: readonly string[]) => void;
  /** Revokes the tokens that keys were exchanged for until a moment, and closes connections. */
  readonly endTokens: (ids: readonly string[], before: Date) => Promise<void>;
}

const usualItems = 50;
const mostItems = 200;
const longestUserId = 255;
const dayInSeconds = 86_400;
const mostGraceSeconds = 30 * dayInSeconds;
/** The clock of an instance that issues tokens may be ahead of that of the one that revokes their key. */
const mostClockSkewMs = 60_000;
/** No access token lives longer than a day. */
const longestTokenMs = dayInSeconds * 1_000 + mostClockSkewMs;

/**
 * Creates, lists, changes and ends the API keys of the app's users. `ApiKeysModule` provides it to all modules.
 *
 * It does not check who calls it. A route that creates keys has to take the user from the guard, and should not accept API keys
 * itself (`@AcceptCredentials('access-token')`), so that no key makes another one.
 *
 * Wrong input is a `RefusalError` with the code `INVALID_INPUT`, which a handler may let pass: it is answered with 400. All methods
 * reject with an `AuthUnavailableError` (503) when the store does not answer.
 */
export class ApiKeyService {
  constructor(private readonly parts: ApiKeyServiceParts) {}

  /** Creates a key. Its text is not stored, so it can be shown once. */
  async create(given: NewApiKey): Promise<IssuedApiKey> {
    readOptions('ApiKeyService.create', given, ['userId', 'name', 'scopes', 'roles', 'expiresAt']);
    const { userId, name = null, scopes = [], roles = [] } = given;
    const now = this.now();
    checkInput([
      ...(isText(userId, longestUserId)
        ? []
        : [{ path: 'userId', message: `a text of 1 to ${longestUserId} characters is expected` }]),
      ...findProblems({ name, scopes, roles }),
    ]);
    const issued = this.parts.format.createSecret(this.parts.format.createId());
    const key: StoredApiKey = {
      id: issued.id,
      userId,
      name,
      scopes: unique(scopes),
      roles: unique(roles),
      enabled: true,
      createdAt: new Date(now),
      expiresAt: this.readExpiry(given.expiresAt ?? null, now),
      revokedAt: null,
      lastUsedAt: null,
      hash: hashApiKey(issued.id, issued.secret),
      hashVersion: currentHashVersion,
      previous: null,
    };
    await askStore('of the API keys', () => this.parts.findStore().create(key));
    return { key: toApiKey(key), ...issued };
  }

  /** The keys of a user, newest first, also those that were revoked. */
  async list(userId: string, { limit = usualItems, cursor }: ApiKeyListOptions = {}): Promise<ApiKeyPage> {
    if (!Number.isInteger(limit) || limit < 1 || limit > mostItems) {
      throw RefusalError.input([{ path: 'limit', message: `a whole number from 1 to ${mostItems} is expected` }]);
    }
    checkUserId(userId);
    const after = cursor === undefined ? null : this.readCursor(cursor);
    // One more than is given, to know whether there are others.
    const found = await askStore('of the API keys', () =>
      this.parts.findStore().list(userId, { after, limit: limit + 1 }),
    );
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const hasMore = found.length > limit && last !== undefined;
    return { items: items.map(toApiKey), nextCursor: hasMore ? `${last.createdAt.getTime()}.${last.id}` : null };
  }

  /** The key with this id, also when it was revoked; `null` when there is none. */
  async find(id: string): Promise<ApiKey | null> {
    const key = this.parts.format.isId(id)
      ? await askStore('of the API keys', () => this.parts.findStore().find(id))
      : null;
    return key && toApiKey(key);
  }

  /**
   * Changes a key that was not revoked. Disabling it ends the tokens that it was exchanged for, too.
   *
   * @throws {RefusalError} `NOT_FOUND` when there is no such key, or it was revoked.
   */
  async update(id: string, changes: ApiKeyChanges): Promise<ApiKey> {
    readOptions('ApiKeyService.update', changes, ['name', 'scopes', 'roles', 'enabled']);
    checkInput(findProblems(changes));
    const { name, scopes, roles, enabled } = changes;
    const given = {
      ...(name !== undefined && { name }),
      ...(scopes !== undefined && { scopes: unique(scopes) }),
      ...(roles !== undefined && { roles: unique(roles) }),
      ...(enabled !== undefined && { enabled }),
    };
    const changed = await this.change(id, (store) => store.update(id, given));
    if (enabled === false) await this.parts.endTokens([id], new Date(this.now()));
    return changed;
  }

  /**
   * Replaces the secret of a key. Its id, scopes and tokens stay.
   *
   * @param options `graceSeconds`: for how long the secret before is still accepted, 0 to 2,592,000; a day by default. 0 also ends
   *   the tokens that the key was exchanged for: choose it when the secret has leaked
   * @throws {RefusalError} `NOT_FOUND` when there is no such key, or it was revoked.
   */
  async rotate(id: string, options: { readonly graceSeconds?: number } = {}): Promise<IssuedApiKey> {
    const { graceSeconds = dayInSeconds } = options;
    readOptions('ApiKeyService.rotate', options, ['graceSeconds']);
    if (!(typeof graceSeconds === 'number' && graceSeconds >= 0 && graceSeconds <= mostGraceSeconds)) {
      throw RefusalError.input([
        { path: 'graceSeconds', message: `a number from 0 to ${mostGraceSeconds} is expected` },
      ]);
    }
    const issued = this.parts.format.createSecret(id);
    const secret = { hash: hashApiKey(id, issued.secret), hashVersion: currentHashVersion };
    const previousUntil = graceSeconds === 0 ? null : new Date(this.now() + graceSeconds * 1_000);
    const key = await this.change(id, (store) => store.rotate(id, secret, previousUntil));
    if (graceSeconds === 0) await this.parts.endTokens([id], new Date(this.now()));
    return { key, ...issued };
  }

  /**
   * Ends a key and the tokens that it was exchanged for: in this process at once, in others the key after `cacheSeconds` and the
   * tokens after the seconds of the revocation at the latest. Does nothing for a key that is not there.
   */
  async revoke(id: string): Promise<void> {
    if (!this.parts.format.isId(id)) return;
    await this.watchChange([id], () => this.parts.findStore().revoke(id, new Date(this.now())));
    // Also when it was revoked before: that call may have failed in between.
    await this.endTokensForGood([id]);
  }

  /** The same for all keys of a user. @returns how many keys this call revoked */
  async revokeAll(userId: string): Promise<number> {
    checkUserId(userId);
    let revoked: readonly string[] = [];
    try {
      revoked = await askStore('of the API keys', () => this.parts.findStore().revokeAll(userId, new Date(this.now())));
    } finally {
      // A call whose answer was lost may have revoked keys, and an earlier one may have failed before their tokens ended.
      await this.endRevokedKeys(userId);
    }
    return revoked.length;
  }

  /**
   * Splits the text of a key into its id and its secret, for logs and scanners; `null` when it is no key of this app, or was mistyped.
   * It checks the checksum alone: nothing is looked up, and the key may not exist.
   */
  parse(text: string): ApiKeyParts | null {
    return typeof (text as unknown) === 'string' ? this.parts.format.parse(text) : null;
  }

  private async change(id: string, run: (store: ApiKeyStore) => Promise<StoredApiKey | null>): Promise<ApiKey> {
    const { format, findStore } = this.parts;
    const key = format.isId(id) ? await this.watchChange([id], () => run(findStore())) : null;
    if (key !== null) return toApiKey(key);
    throw RefusalError.of('NOT_FOUND', 'There is no key with this id, or it was revoked');
  }

  private async endRevokedKeys(userId: string): Promise<void> {
    const { findStore, onChanged } = this.parts;
    const since = this.now() - longestTokenMs;
    let after: StoredApiKey | null = null;
    do {
      const place: StoredApiKey | null = after;
      const keys: readonly StoredApiKey[] = await askStore('of the API keys', () =>
        findStore().list(userId, { after: place, limit: mostItems }),
      );
      const ended = keys.filter(({ revokedAt }) => revokedAt !== null && revokedAt.getTime() > since);
      const ids = ended.map(({ id }) => id);
      onChanged(ids);
      await this.endTokensForGood(ids);
      after = keys.length < mostItems ? null : (keys.at(-1) ?? null);
    } while (after !== null);
  }

  private endTokensForGood(ids: readonly string[]): Promise<void> {
    return this.parts.endTokens(ids, new Date(this.now() + mostClockSkewMs));
  }

  /** A change whose answer was lost may have been made. */
  private async watchChange<Result>(ids: readonly string[], run: () => Promise<Result>): Promise<Result> {
    try {
      return await askStore('of the API keys', run);
    } finally {
      this.parts.onChanged(ids);
    }
  }

  private readExpiry(expiresAt: Date | null, now: number): Date | null {
    const { maxLifetimeMs } = this.parts;
    if (expiresAt === null) return maxLifetimeMs === null ? null : new Date(now + maxLifetimeMs);
    const time = expiresAt instanceof Date ? expiresAt.getTime() : Number.NaN;
    const isTooLate = maxLifetimeMs !== null && time > now + maxLifetimeMs;
    if (time > now && !isTooLate) return new Date(time);
    const limit = maxLifetimeMs === null ? '' : `, at most ${maxLifetimeMs / 1_000} seconds from now`;
    throw RefusalError.input([{ path: 'expiresAt', message: `a date in the future is expected${limit}` }]);
  }

  private readCursor(cursor: string): { readonly createdAt: Date; readonly id: string } {
    const [, ms = '', id = ''] = /^(\d{1,15})\.(.+)$/.exec(cursor) ?? [];
    if (this.parts.format.isId(id)) return { createdAt: new Date(Number(ms)), id };
    throw RefusalError.input([{ path: 'cursor', message: 'the nextCursor of an earlier answer is expected' }]);
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** The public part of a key. */
function toApiKey(key: StoredApiKey): ApiKey {
  const { id, userId, name, scopes, roles, enabled, createdAt, expiresAt, revokedAt, lastUsedAt } = key;
  return { id, userId, name, scopes, roles, enabled, createdAt, expiresAt, revokedAt, lastUsedAt };
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)];
}
