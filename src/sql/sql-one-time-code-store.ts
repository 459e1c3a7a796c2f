import { OneTimeCodeStore, type StoredOneTimeCode } from '../issuing/one-time-code-store.js';
import { isUuid } from '../issuing/uuid-v7.js';
import type { JsonObject } from '../token/json-object.js';
import { decodeText, encodeText } from './encoded-text.js';
import { epochMs, hex, readBytes, readDate, readDateOrNull, readJson, readText, readTextOrNull } from './row-values.js';
import type { SqlRow, SqlValue } from './sql-database.js';
import type { StoreDatabase } from './store-database.js';

const written = [
  'id',
  'purpose',
  'subject',
  'account_id',
  'link_hash',
  'typed_hash',
  'typed_expires_at',
  'payload',
  'created_at',
  'expires_at',
];

const columns = written
  .map((column) => (column.endsWith('_at') ? epochMs(column) : column.endsWith('_hash') ? hex(column) : column))
  .join(', ');

/** One-time codes in PostgreSQL. Each method is one statement. */
export class SqlOneTimeCodeStore extends OneTimeCodeStore {
  private readonly table: string;

  constructor(private readonly database: StoreDatabase) {
    super();
    this.table = `${database.qualifier}one_time_codes`;
  }

  override async create(code: StoredOneTimeCode): Promise<void> {
    const places = written.map((_, at) => `$${at + 1}`);
    const replaced = written.map((column) => `${column} = excluded.${column}`);
    await this.database.query(
      `insert into ${this.table} (${written.join(', ')}) values (${places.join(', ')})
      on conflict (subject, purpose) do update set ${replaced.join(', ')}, tries = 0`,
      valuesOf(code),
    );
  }

  override findByLink(linkHash: Uint8Array, now: Date): Promise<StoredOneTimeCode | null> {
    return this.findWhere('link_hash = $2', now, [linkHash]);
  }

  override findBySubject(purpose: string, subject: string, now: Date): Promise<StoredOneTimeCode | null> {
    return this.findWhere('subject = $2 and purpose = $3', now, [encodeText(subject), encodeText(purpose)]);
  }

  override async takeTry(id: string, limit: number): Promise<boolean> {
    if (!isUuid(id)) return false;
    const rows = await this.database.query(
      `update ${this.table} set tries = tries + 1 where id = $1 and tries < $2 returning id`,
      [id, limit],
    );
    return rows.length > 0;
  }

  override async returnTry(id: string): Promise<void> {
    if (!isUuid(id)) return;
    await this.database.query(`update ${this.table} set tries = tries - 1 where id = $1 and tries > 0`, [id]);
  }

  override async use(id: string, now: Date): Promise<boolean> {
    if (!isUuid(id)) return false;
    const rows = await this.database.query(`delete from ${this.table} where id = $1 and expires_at > $2 returning id`, [
      id,
      now,
    ]);
    return rows.length > 0;
  }

  override async endOfAccount(accountId: string): Promise<void> {
    await this.database.query(`delete from ${this.table} where account_id = $1`, [encodeText(accountId)]);
  }

  override async purge(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `delete from ${this.table} where id in (
        select id from ${this.table} where expires_at <= $1 order by expires_at limit $2 for update skip locked)
      returning id`,
      [now, limit],
    );
    return rows.length;
  }

  private async findWhere(where: string, now: Date, values: readonly SqlValue[]): Promise<StoredOneTimeCode | null> {
    const [row] = await this.database.query(
      `select ${columns} from ${this.table} as code where ${where} and code.expires_at > $1`,
      [now, ...values],
    );
    return row === undefined ? null : toCode(row);
  }
}

/** In the order of `written`. */
function valuesOf(code: StoredOneTimeCode): SqlValue[] {
  const { accountId, typed } = code;
  return [
    code.id,
    encodeText(code.purpose),
    encodeText(code.subject),
    accountId === null ? null : encodeText(accountId),
    code.linkHash,
    typed?.hash ?? null,
    typed?.expiresAt ?? null,
    JSON.stringify(code.payload),
    code.createdAt,
    code.expiresAt,
  ];
}

function toCode(row: SqlRow): StoredOneTimeCode {
  const accountId = readTextOrNull(row, 'account_id');
  const typedExpiresAt = readDateOrNull(row, 'typed_expires_at');
  return {
    id: readText(row, 'id'),
    purpose: decodeText(readText(row, 'purpose')),
    subject: decodeText(readText(row, 'subject')),
    accountId: accountId === null ? null : decodeText(accountId),
    linkHash: readTextOrNull(row, 'link_hash') === null ? null : readBytes(row, 'link_hash'),
    typed: typedExpiresAt === null ? null : { hash: readBytes(row, 'typed_hash'), expiresAt: typedExpiresAt },
    payload: readJson(row, 'payload') as JsonObject,
    createdAt: readDate(row, 'created_at'),
    expiresAt: readDate(row, 'expires_at'),
  };
}
