import { isUnicodeText } from '../configuration/unicode-text.js';
import {
  type LoginReference,
  type NewSession,
  type RefreshReplacement,
  type SessionEnding,
  type SessionEndReason,
  type SessionLogin,
  type SessionQuery,
  type SessionRotation,
  SessionStore,
  type StoredSession,
  type TokenDelivery,
} from '../sessions/session-store.js';
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
import type { SqlRow, SqlValue } from './sql-database.js';
import { revocationsOfSessions } from './sql-revocation-store.js';
import { decodeText, encodeText } from './encoded-text.js';
import type { StoreDatabase } from './store-database.js';

const columns = [
  'id',
  'user_id',
  hex('seed'),
  'generation',
  'replacements',
  epochMs('created_at'),
  epochMs('auth_time'),
  'amr',
  'login_provider',
  'login_subject',
  'login_session_id',
  'delivery',
  'remember',
  'user_agent',
  'ip_address',
  epochMs('last_used_at'),
  epochMs('idle_expires_at'),
  epochMs('absolute_expires_at'),
  epochMs('remove_after'),
  epochMs('ended_at'),
  'end_reason',
].join(', ');

/** Ids as they are written here. PostgreSQL reads other spellings of a UUID, which are no ids of sessions. */
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Sessions in PostgreSQL. Each method is one statement. */
export class SqlSessionStore extends SessionStore {
  private readonly table: string;

  constructor(
    private readonly database: StoreDatabase,
    /** Whether the database is also where the app's revocations are, so that an end is recorded there with it. */
    private readonly holdsRevocations: boolean,
  ) {
    super();
    this.table = `${database.qualifier}sessions`;
  }

  override async create(
    session: NewSession,
    replaced?: { readonly id: string; readonly ending: SessionEnding },
  ): Promise<void> {
    const values = valuesOf(session);
    const insert = `insert into ${this.table} (id, user_id, seed, created_at, auth_time, amr, delivery, remember, user_agent,
        ip_address, idle_expires_at, absolute_expires_at, remove_after, login_provider, login_subject, login_session_id,
        last_used_at)
      values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $4)`;
    if (replaced === undefined || !uuid.test(replaced.id)) {
      await this.database.query(insert, values);
      return;
    }
    const end = this.ending(replaced.ending, `id = $${values.length + 1}`, [...values, replaced.id]);
    await this.database.query(`${end.text} ${insert}`, end.values);
  }

  override async find(id: string): Promise<StoredSession | null> {
    if (!uuid.test(id)) return null;
    const [row] = await this.database.query(`select ${columns} from ${this.table} where id = $1`, [id]);
    return row === undefined ? null : toSession(row);
  }

  override async rotate(id: string, rotation: SessionRotation): Promise<boolean> {
    if (!uuid.test(id)) return false;
    const rows = await this.database.query(
      `update ${this.table} set generation = generation + 1, replacements = $3::jsonb, last_used_at = $4,
        idle_expires_at = $5, remove_after = $6
      where id = $1 and generation = $2 and ended_at is null
      returning id`,
      [
        id,
        rotation.generation,
        writeReplacements(rotation.replacements),
        rotation.lastUsedAt,
        rotation.idleExpiresAt,
        rotation.removeAfter,
      ],
    );
    return rows.length > 0;
  }

  override async end(id: string, ending: SessionEnding): Promise<boolean> {
    if (!uuid.test(id)) return false;
    return (await this.endWhere(ending, 'id = $1', [id])).length > 0;
  }

  override async endAll(
    userId: string,
    ending: SessionEnding,
    exceptId: string | null,
    limit: number,
  ): Promise<readonly string[]> {
    if (!isUserId(userId)) return [];
    const isExcept = exceptId !== null && uuid.test(exceptId);
    // The newest first: among them are those of somebody who is signing in at the moment.
    const chosen = `select id from ${this.table} where user_id = $1 and ended_at is null${isExcept ? ' and id <> $3' : ''}
      order by id desc limit $2`;
    return await this.endWhere(ending, `id in (${chosen})`, [userId, limit, ...(isExcept ? [exceptId] : [])]);
  }

  override async list(userId: string, { now, beforeId, limit }: SessionQuery): Promise<readonly StoredSession[]> {
    if (!isUserId(userId) || (beforeId !== null && !uuid.test(beforeId))) return [];
    const before = beforeId === null ? '' : 'and id < $4';
    const rows = await this.database.query(
      `select ${columns} from ${this.table}
      where user_id = $1 and ended_at is null and idle_expires_at > $2 and absolute_expires_at > $2 ${before}
      order by id desc limit $3`,
      [userId, now, limit, ...(beforeId === null ? [] : [beforeId])],
    );
    return rows.map(toSession);
  }

  override async listByLogin(provider: string, by: LoginReference, limit: number): Promise<readonly string[]> {
    const [column, value] = 'subject' in by ? ['login_subject', by.subject] : ['login_session_id', by.sessionId];
    const rows = await this.database.query(
      `select id from ${this.table} where ${column} = $1 and login_provider = $2 and ended_at is null limit $3`,
      [encodeText(value), encodeText(provider), limit],
    );
    return rows.map((row) => readText(row, 'id'));
  }

  override async deleteEnded(userId: string, limit: number): Promise<number> {
    if (!isUserId(userId)) return 0;
    const rows = await this.database.query(
      `delete from ${this.table} where id in (
        select id from ${this.table} where user_id = $1 and ended_at is not null limit $2 for update skip locked)
      returning id`,
      [userId, limit],
    );
    return rows.length;
  }

  override async purge(now: Date, limit: number): Promise<number> {
    const rows = await this.database.query(
      `delete from ${this.table} where id in (
        select id from ${this.table} where remove_after <= $1 order by remove_after limit $2 for update skip locked)
      returning id`,
      [now, limit],
    );
    return rows.length;
  }

  private async endWhere(ending: SessionEnding, where: string, values: readonly SqlValue[]): Promise<string[]> {
    const end = this.ending(ending, where, values);
    const rows = await this.database.query(`${end.text} select id from ended`, end.values);
    return rows.map((row) => readText(row, 'id'));
  }

  /** The beginning of a statement that ends sessions, and records the revocation of each. */
  private ending(
    { endedAt, reason, revocation }: SessionEnding,
    where: string,
    values: readonly SqlValue[],
  ): { readonly text: string; readonly values: readonly SqlValue[] } {
    const at = values.length;
    const ended = `ended as (
      update ${this.table} set ended_at = $${at + 1}, end_reason = $${at + 2}
      where ${where} and ended_at is null returning id)`;
    if (!this.holdsRevocations) return { text: `with ${ended}`, values: [...values, endedAt, reason] };
    const revoked = revocationsOfSessions(this.database.qualifier, 'ended', `$${at + 3}`, `$${at + 4}`);
    return {
      text: `with ${ended}, revoked as (${revoked})`,
      values: [...values, endedAt, reason, encodeText(revocation.issuer), revocation.expiresAtSeconds],
    };
  }
}

/** No session has another one. PostgreSQL would fail for U+0000, and the driver would ask for another text than the given one. */
function isUserId(text: unknown): boolean {
  return typeof text === 'string' && isUnicodeText(text);
}

function valuesOf(session: NewSession): SqlValue[] {
  return [
    session.id,
    session.userId,
    session.seed,
    session.createdAt,
    session.authTime,
    JSON.stringify(session.amr),
    session.delivery,
    session.remember,
    session.userAgent,
    session.ipAddress,
    session.idleExpiresAt,
    session.absoluteExpiresAt,
    session.removeAfter,
    ...valuesOfLogin(session.login),
  ];
}

function valuesOfLogin(login: SessionLogin | null): readonly (string | null)[] {
  if (login === null) return [null, null, null];
  const { provider, subject, sessionId } = login;
  return [encodeText(provider), encodeText(subject), sessionId === null ? null : encodeText(sessionId)];
}

function readLogin(row: SqlRow): SessionLogin | null {
  const provider = readTextOrNull(row, 'login_provider');
  if (provider === null) return null;
  const sessionId = readTextOrNull(row, 'login_session_id');
  return {
    provider: decodeText(provider),
    subject: decodeText(readText(row, 'login_subject')),
    sessionId: sessionId === null ? null : decodeText(sessionId),
  };
}

/** Pairs of generation and milliseconds, since the row is written again at every refresh. */
function writeReplacements(replacements: readonly RefreshReplacement[]): string {
  return JSON.stringify(replacements.map(({ generation, at }) => [generation, at.getTime()]));
}

function readReplacements(row: SqlRow): readonly RefreshReplacement[] {
  const pairs = readJson(row, 'replacements') as readonly (readonly [number, number])[];
  return pairs.map(([generation, at]) => ({ generation, at: new Date(at) }));
}

function toSession(row: SqlRow): StoredSession {
  return {
    id: readText(row, 'id'),
    userId: readText(row, 'user_id'),
    seed: readBytes(row, 'seed'),
    generation: readNumber(row, 'generation'),
    replacements: readReplacements(row),
    createdAt: readDate(row, 'created_at'),
    authTime: readDate(row, 'auth_time'),
    amr: readJson(row, 'amr') as readonly string[],
    login: readLogin(row),
    delivery: readTextOrNull(row, 'delivery') as TokenDelivery | null,
    remember: readSwitch(row, 'remember'),
    userAgent: readTextOrNull(row, 'user_agent'),
    ipAddress: readTextOrNull(row, 'ip_address'),
    lastUsedAt: readDate(row, 'last_used_at'),
    idleExpiresAt: readDate(row, 'idle_expires_at'),
    absoluteExpiresAt: readDate(row, 'absolute_expires_at'),
    removeAfter: readDate(row, 'remove_after'),
    endedAt: readDateOrNull(row, 'ended_at'),
    endReason: readTextOrNull(row, 'end_reason') as SessionEndReason | null,
  };
}
