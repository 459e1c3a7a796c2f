import { PasskeyStore, type PasskeyUse, type StoredPasskey } from '../accounts/passkey-store.js';
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
} from './row-values.js';
import type { SqlRow } from './sql-database.js';
import type { StoreDatabase } from './store-database.js';

const columns = [
  'credential_id',
  'account_id',
  hex('public_key'),
  'counter',
  'transports',
  'device_type',
  'backed_up',
  'aaguid',
  'name',
  epochMs('created_at'),
  epochMs('last_used_at'),
].join(', ');

/** Passkeys in PostgreSQL. Each method is one statement. */
export class SqlPasskeyStore extends PasskeyStore {
  private readonly table: string;

  constructor(private readonly database: StoreDatabase) {
    super();
    this.table = `${database.qualifier}passkeys`;
  }

  override async create(passkey: StoredPasskey): Promise<boolean> {
    const rows = await this.database.query(
      `insert into ${this.table} (credential_id, account_id, public_key, counter, transports, device_type, backed_up, aaguid, name,
        created_at, last_used_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (credential_id) do nothing returning credential_id`,
      [
        encodeText(passkey.credentialId),
        encodeText(passkey.accountId),
        passkey.publicKey,
        passkey.counter,
        JSON.stringify(passkey.transports),
        passkey.deviceType,
        passkey.backedUp,
        encodeText(passkey.aaguid),
        encodeText(passkey.name),
        passkey.createdAt,
        passkey.lastUsedAt,
      ],
    );
    return rows.length > 0;
  }

  override async find(credentialId: string): Promise<StoredPasskey | null> {
    const [row] = await this.database.query(`select ${columns} from ${this.table} where credential_id = $1`, [
      encodeText(credentialId),
    ]);
    return row === undefined ? null : toPasskey(row);
  }

  override async listOfAccount(accountId: string): Promise<readonly StoredPasskey[]> {
    const rows = await this.database.query(
      `select ${columns} from ${this.table} as passkey where account_id = $1
      order by passkey.created_at, passkey.credential_id`,
      [encodeText(accountId)],
    );
    return rows.map(toPasskey);
  }

  override async noteUse(
    credentialId: string,
    { counter, backedUp, lastUsedAt }: PasskeyUse,
    expectedCounter: number | null,
  ): Promise<boolean> {
    const rows = await this.database.query(
      `update ${this.table} set counter = $2, backed_up = $3, last_used_at = $4
      where credential_id = $1 and counter = coalesce($5, counter) returning credential_id`,
      [encodeText(credentialId), counter, backedUp, lastUsedAt, expectedCounter],
    );
    return rows.length > 0;
  }

  override async remove(accountId: string, credentialId: string): Promise<boolean> {
    const rows = await this.database.query(
      `delete from ${this.table} where credential_id = $1 and account_id = $2 returning credential_id`,
      [encodeText(credentialId), encodeText(accountId)],
    );
    return rows.length > 0;
  }

  override async removeOfAccount(accountId: string): Promise<void> {
    await this.database.query(`delete from ${this.table} where account_id = $1`, [encodeText(accountId)]);
  }
}

function toPasskey(row: SqlRow): StoredPasskey {
  return {
    credentialId: decodeText(readText(row, 'credential_id')),
    accountId: decodeText(readText(row, 'account_id')),
    publicKey: readBytes(row, 'public_key'),
    counter: readNumber(row, 'counter'),
    transports: readJson(row, 'transports') as readonly string[],
    deviceType: readText(row, 'device_type') as StoredPasskey['deviceType'],
    backedUp: readSwitch(row, 'backed_up'),
    aaguid: decodeText(readText(row, 'aaguid')),
    name: decodeText(readText(row, 'name')),
    createdAt: readDate(row, 'created_at'),
    lastUsedAt: readDateOrNull(row, 'last_used_at'),
  };
}
