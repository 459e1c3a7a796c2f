import {
  type ApiKeyChanges,
  type ApiKeyQuery,
  ApiKeyStore,
  type ApiKeyUse,
  type StoredApiKey,
} from '../api-keys/api-key-store.js';
import { decodeText, encodeText } from './encoded-text.js';
import {
  epochMs,
  hex,
  readBytes,
  readDate,
  readDateOrNull,
  readJson,
  readNumber,
  readSwitch,
  readText,
  readTextOrNull,
} from './row-values.js';
import type { SqlRow } from './sql-database.js';
import type { StoreDatabase } from './store-database.js';

const columns = [
  'id',
  'user_id',
  'name',
  'scopes',
  'roles',
  'enabled',
  epochMs('created_at'),
  epochMs('expires_at'),
  epochMs('revoked_at'),
  epochMs('last_used_at'),
  hex('hash'),
  'hash_version',
  hex('previous_hash'),
  epochMs('previous_valid_until'),
].join(', ');

/** API keys in PostgreSQL. Each method is one statement. */
export class SqlApiKeyStore extends ApiKeyStore {
  private readonly table: string;
  /** Made once, as it is run for each key that is not known. */
  private readonly selectById: string;

  constructor(private readonly database: StoreDatabase) {
    super();
    this.table = `${database.qualifier}api_keys`;
    this.selectById = `select ${columns} from ${this.table} where id = $1`;
  }

  override async create(key: StoredApiKey): Promise<void> {
    await this.database.query(
      `insert into ${this.table} (id, user_id, name, scopes, roles, enabled, created_at, expires_at, revoked_at, last_used_at,
        hash, hash_version, previous_hash, previous_valid_until)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        encodeText(key.id),
        encodeText(key.userId),
        key.name === null ? null : encodeText(key.name),
        JSON.stringify(key.scopes),
        JSON.stringify(key.roles),
        key.enabled,
        key.createdAt,
        key.expiresAt,
        key.revokedAt,
        key.lastUsedAt,
        key.hash,
        key.hashVersion,
        key.previous?.hash ?? null,
        key.previous?.validUntil ?? null,
      ],
    );
  }

  override async find(id: string): Promise<StoredApiKey | null> {
    return firstKey(await this.database.query(this.selectById, [encodeText(id)]));
  }

  override async list(userId: string, { after, limit }: ApiKeyQuery): Promise<readonly StoredApiKey[]> {
    const place = after === null ? '' : 'and (created_at, id) < ($3, $4)';
    const rows = await this.database.query(
      `select ${columns} from ${this.table} where user_id = $1 ${place} order by created_at desc, id desc limit $2`,
      [encodeText(userId), limit, ...(after === null ? [] : [after.createdAt, encodeText(after.id)])],
    );
    return rows.map(toApiKey);
  }

  override async update(id: string, { name, scopes, roles, enabled }: ApiKeyChanges): Promise<StoredApiKey | null> {
    const rows = await this.database.query(
      `update ${this.table} set name = case when $2 then $3 else name end, scopes = coalesce($4, scopes),
        roles = coalesce($5, roles), enabled = coalesce($6, enabled)
      where id = $1 and revoked_at is null returning ${columns}`,
      [
        encodeText(id),
        name !== undefined,
        name === undefined || name === null ? null : encodeText(name),
        scopes === undefined ? null : JSON.stringify(scopes),
        roles === undefined ? null : JSON.stringify(roles),
        enabled ?? null,
      ],
    );
    return firstKey(rows);
  }

  override async rotate(
    id: string,
    { hash, hashVersion }: Pick<StoredApiKey, 'hash' | 'hashVersion'>,
    previousValidUntil: Date | null,
  ): Promise<StoredApiKey | null> {
    // All expressions read the row as it was before the update.
    const rows = await this.database.query(
      `update ${this.table} set hash = $2, hash_version = $3, previous_valid_until = $4,
        previous_hash = case when $4::timestamptz is null then null else hash end
      where id = $1 and revoked_at is null returning ${columns}`,
      [encodeText(id), hash, hashVersion, previousValidUntil],
    );
    return firstKey(rows);
  }

  override async revoke(id: string, revokedAt: Date): Promise<boolean> {
    return (await this.revokeWhere('id = $1', encodeText(id), revokedAt)).length > 0;
  }

  override revokeAll(userId: string, revokedAt: Date): Promise<readonly string[]> {
    return this.revokeWhere('user_id = $1', encodeText(userId), revokedAt);
  }

  override async deleteRevoked(userId: string): Promise<void> {
    await this.database.query(`delete from ${this.table} where user_id = $1 and revoked_at is not null`, [
      encodeText(userId),
    ]);
  }

  override async noteUses(uses: readonly ApiKeyUse[]): Promise<void> {
    if (uses.length === 0) return;
    const given = uses.map(({ id, at }) => ({ id: encodeText(id), at: at.getTime() }));
    // In the order of the ids, so that two instances that write the same keys wait for each other and do not deadlock.
    await this.database.query(
      `with given as (select id, to_timestamp(max(at) / 1000.0) as at
          from jsonb_to_recordset($1::jsonb) as given (id text, at float8) group by id),
        locked as (select known.id, given.at from ${this.table} as known join given on given.id = known.id
          where known.last_used_at is null or known.last_used_at < given.at order by known.id for update of known)
      update ${this.table} as known set last_used_at = locked.at from locked where known.id = locked.id`,
      [JSON.stringify(given)],
    );
  }

  private async revokeWhere(where: string, value: string, revokedAt: Date): Promise<readonly string[]> {
    const rows = await this.database.query(
      `update ${this.table} set revoked_at = $2 where ${where} and revoked_at is null returning id`,
      [value, revokedAt],
    );
    return rows.map((row) => decodeText(readText(row, 'id')));
  }
}

function firstKey([row]: readonly SqlRow[]): StoredApiKey | null {
  return row === undefined ? null : toApiKey(row);
}

function toApiKey(row: SqlRow): StoredApiKey {
  const name = readTextOrNull(row, 'name');
  const validUntil = readDateOrNull(row, 'previous_valid_until');
  return {
    id: decodeText(readText(row, 'id')),
    userId: decodeText(readText(row, 'user_id')),
    name: name === null ? null : decodeText(name),
    scopes: readJson(row, 'scopes') as readonly string[],
    roles: readJson(row, 'roles') as readonly string[],
    enabled: readSwitch(row, 'enabled'),
    createdAt: readDate(row, 'created_at'),
    expiresAt: readDateOrNull(row, 'expires_at'),
    revokedAt: readDateOrNull(row, 'revoked_at'),
    lastUsedAt: readDateOrNull(row, 'last_used_at'),
    hash: readBytes(row, 'hash'),
    hashVersion: readNumber(row, 'hash_version'),
    previous: validUntil === null ? null : { hash: readBytes(row, 'previous_hash'), validUntil },
  };
}
