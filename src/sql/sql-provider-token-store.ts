import { ProviderTokenStore, type StoredProviderTokens } from '../login/provider-token-store.js';
import { encodeText } from './encoded-text.js';
import { epochMs, hex, readBytes, readDate, readNumber } from './row-values.js';
import type { StoreDatabase } from './store-database.js';

/** The entry of a user and a provider, the parameters 1 and 2, and the version, the third one. */
const ofUser = 'user_id = $1 and provider = $2';
const ofVersion = `${ofUser} and version = $3`;

/** Kept tokens of providers in PostgreSQL. Each method is one statement. The versions of all entries are numbers of one sequence. */
export class SqlProviderTokenStore extends ProviderTokenStore {
  private readonly table: string;

  constructor(private readonly database: StoreDatabase) {
    super();
    this.table = `${database.qualifier}provider_tokens`;
  }

  override async find(userId: string, provider: string): Promise<StoredProviderTokens | null> {
    const [row] = await this.database.query(
      `select ${hex('sealed')}, version, ${epochMs('updated_at')} from ${this.table} where ${ofUser}`,
      [encodeText(userId), encodeText(provider)],
    );
    if (row === undefined) return null;
    const version = readNumber(row, 'version');
    return { userId, provider, sealed: readBytes(row, 'sealed'), version, updatedAt: readDate(row, 'updated_at') };
  }

  override async save(userId: string, provider: string, sealed: Uint8Array, updatedAt: Date): Promise<void> {
    await this.database.query(
      `insert into ${this.table} (user_id, provider, sealed, updated_at) values ($1, $2, $3, $4)
      on conflict (user_id, provider) do update
        set sealed = excluded.sealed, version = default, updated_at = excluded.updated_at, claimed_until = null`,
      [encodeText(userId), encodeText(provider), sealed, updatedAt],
    );
  }

  override async claim(userId: string, provider: string, version: number, now: Date, until: Date): Promise<boolean> {
    const rows = await this.database.query(
      `update ${this.table} set claimed_until = $5
      where ${ofVersion} and (claimed_until is null or claimed_until <= $4) returning version`,
      [encodeText(userId), encodeText(provider), version, now, until],
    );
    return rows.length > 0;
  }

  override async replace(
    userId: string,
    provider: string,
    version: number,
    sealed: Uint8Array,
    updatedAt: Date,
  ): Promise<boolean> {
    const rows = await this.database.query(
      `update ${this.table} set sealed = $4, version = default, updated_at = $5, claimed_until = null
      where ${ofVersion} returning version`,
      [encodeText(userId), encodeText(provider), version, sealed, updatedAt],
    );
    return rows.length > 0;
  }

  override async release(userId: string, provider: string, version: number): Promise<void> {
    await this.database.query(`update ${this.table} set claimed_until = null where ${ofVersion}`, [
      encodeText(userId),
      encodeText(provider),
      version,
    ]);
  }

  override async discard(userId: string, provider: string, version: number): Promise<boolean> {
    const rows = await this.database.query(`delete from ${this.table} where ${ofVersion} returning version`, [
      encodeText(userId),
      encodeText(provider),
      version,
    ]);
    return rows.length > 0;
  }

  override async remove(userId: string, provider: string | null): Promise<void> {
    const isOne = provider !== null;
    await this.database.query(`delete from ${this.table} where ${isOne ? ofUser : 'user_id = $1'}`, [
      encodeText(userId),
      ...(isOne ? [encodeText(provider)] : []),
    ]);
  }
}
