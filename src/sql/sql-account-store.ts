import {
  type AccountConflict,
  type AccountCredentials,
  type AccountQuery,
  AccountStore,
  type FoundAccount,
  type StoredAccount,
  type StoredIdentity,
} from '../accounts/account-store.js';
import { isUuid } from '../issuing/uuid-v7.js';
import type { JsonObject } from '../token/json-object.js';
import { decodeText, encodeText } from './encoded-text.js';
import { epochMs, readDate, readDateOrNull, readJson, readSwitch, readText, readTextOrNull } from './row-values.js';
import { type SqlRow, type SqlRunner, type SqlValue, UniqueViolation } from './sql-database.js';
import type { StoreDatabase } from './store-database.js';

/** The columns of a text that any caller may have written, each with its member. */
const texts = {
  email: 'email',
  email_key: 'emailKey',
  username: 'username',
  username_key: 'usernameKey',
  name: 'name',
  name_key: 'nameKey',
  given_name: 'givenName',
  family_name: 'familyName',
  picture_url: 'pictureUrl',
} as const satisfies Readonly<Record<string, keyof StoredAccount>>;

const textColumns = Object.keys(texts) as readonly (keyof typeof texts)[];
const written = [
  'id',
  ...textColumns,
  'email_verified',
  'status',
  'is_anonymous',
  'credentials',
  'custom_data',
  'created_at',
  'updated_at',
  'last_sign_in_at',
];

/** Which unique index a value is in, as what is taken. */
const conflicts: Readonly<Record<string, AccountConflict | 'identity'>> = {
  accounts_email: 'email',
  accounts_username: 'username',
  identities_pkey: 'identity',
};

/** The greatest character: a text that begins with another one comes before that one with this behind it. */
const lastCharacter = '\u{10FFFF}';

/** Accounts in PostgreSQL. Each method but `change` and `list` is one statement. */
export class SqlAccountStore extends AccountStore {
  private readonly accounts: string;
  private readonly identities: string;
  private readonly select: string;
  private readonly groups: string;
  private readonly members: string;

  constructor(private readonly database: StoreDatabase) {
    super();
    const { qualifier } = database;
    this.accounts = `${qualifier}accounts`;
    this.identities = `${qualifier}identities`;
    this.groups = `${qualifier}groups`;
    this.members = `${qualifier}group_members`;
    const groups = `(select coalesce(json_agg(known.name order by known.name), '[]')
      from ${this.members} as member join ${this.groups} as known on known.id = member.group_id
      where member.account_id = account.id) as groups`;
    this.select = `select ${columns}, ${groups} from ${this.accounts} as account`;
  }

  override async create(
    account: StoredAccount,
    identity?: StoredIdentity,
  ): Promise<AccountConflict | 'identity' | null> {
    const insert = `insert into ${this.accounts} (${written.join(', ')}) values (${placeholders(1, written.length)})`;
    const values = valuesOf(account);
    if (identity === undefined) return this.attempt(() => this.database.query(insert, values));
    const text = `with added as (${insert} returning id)
      insert into ${this.identities} (account_id, provider, subject, email, linked_at)
      select id, ${placeholders(written.length + 1, 4)}::timestamptz from added`;
    return this.attempt(() => this.database.query(text, [...values, ...identityValues(identity)]));
  }

  override async find(id: string): Promise<FoundAccount | null> {
    return isUuid(id) ? this.findWhere('account.id = $1', [id]) : null;
  }

  override async findMany(ids: readonly string[]): Promise<readonly FoundAccount[]> {
    const known = ids.filter(isUuid);
    if (known.length === 0) return [];
    const rows = await this.database.query(
      `${this.select} where account.id in (${placeholders(1, known.length)})`,
      known,
    );
    return rows.map(toAccount);
  }

  override findByEmail(emailKey: string): Promise<FoundAccount | null> {
    return this.findWhere('account.email_key = $1', [encodeText(emailKey)]);
  }

  override findByUsername(usernameKey: string): Promise<FoundAccount | null> {
    return this.findWhere('account.username_key = $1', [encodeText(usernameKey)]);
  }

  override findByIdentity(provider: string, subject: string): Promise<FoundAccount | null> {
    const owner = `select account_id from ${this.identities} where provider = $1 and subject = $2`;
    return this.findWhere(`account.id = (${owner})`, [encodeText(provider), encodeText(subject)]);
  }

  override async list({ group, search, afterId, limit }: AccountQuery): Promise<readonly FoundAccount[]> {
    if (afterId !== null && !isUuid(afterId)) return [];
    const values: SqlValue[] = [limit];
    const place = (value: string): string => `$${values.push(value)}`;
    const after = (id: string): string => (afterId === null ? 'true' : `${id} < ${place(afterId)}`);
    const terms = [after('account.id')];
    if (search !== null) {
      const [first, end] = [place(encodeText(search)), place(encodeText(search) + lastCharacter)];
      const matches = ['email_key', 'username_key', 'name_key'].map((key) => `${key} >= ${first} and ${key} < ${end}`);
      terms.push(`(${matches.join(' or ')})`);
    }
    if (group !== null) {
      // Groups differ in size, and the planner knows it only where a statement names the id.
      const groupId = await this.findGroupId(group);
      if (groupId === null) return [];
      const members = `select account_id from ${this.members} where group_id = ${place(groupId)} and ${after('account_id')}`;
      // Without a search the page is a piece of the primary key, wherever the members are among the accounts.
      terms.push(`account.id in (${members} ${search === null ? 'order by account_id desc limit $1' : ''})`);
    }
    const rows = await this.database.query(
      `${this.select} where ${terms.join(' and ')} order by account.id desc limit $1`,
      values,
      // A group may have ten members or a million, and a text may be found everywhere or nowhere.
      { plansByValues: true },
    );
    return rows.map(toAccount);
  }

  override async change(
    id: string,
    decide: (account: FoundAccount) => StoredAccount,
  ): Promise<FoundAccount | AccountConflict | null> {
    if (!isUuid(id)) return null;
    let changed: FoundAccount | null = null;
    const conflict = await this.attempt(async () => {
      changed = await this.database.transaction((runner) => this.changeLocked(runner, id, decide));
    });
    return conflict === 'identity' ? null : (conflict ?? changed);
  }

  override async noteSignIn(id: string, at: Date): Promise<void> {
    if (!isUuid(id)) return;
    await this.database.query(
      `update ${this.accounts} set last_sign_in_at = $2
      where id = $1 and (last_sign_in_at is null or last_sign_in_at < $2)`,
      [id, at],
    );
  }

  override async delete(id: string): Promise<boolean> {
    if (!isUuid(id)) return false;
    const rows = await this.database.query(`delete from ${this.accounts} where id = $1 returning id`, [id]);
    return rows.length > 0;
  }

  override async listIdentities(accountId: string): Promise<readonly StoredIdentity[]> {
    if (!isUuid(accountId)) return [];
    const rows = await this.database.query(
      `select provider, subject, email, ${epochMs('linked_at')} from ${this.identities}
      where account_id = $1 order by identities.linked_at, provider, subject`,
      [accountId],
    );
    return rows.map(toIdentity);
  }

  override async addIdentity(accountId: string, identity: StoredIdentity): Promise<'identity' | 'account' | null> {
    if (!isUuid(accountId)) return 'account';
    const [row] = await this.database.query(
      `with account as (select id from ${this.accounts} where id = $1),
        added as (insert into ${this.identities} (account_id, provider, subject, email, linked_at)
          select id, $2, $3, $4, $5::timestamptz from account on conflict do nothing returning account_id)
      select exists (select from account) as has_account, exists (select from added) as is_added`,
      [accountId, ...identityValues(identity)],
    );
    if (row === undefined || !readSwitch(row, 'has_account')) return 'account';
    return readSwitch(row, 'is_added') ? null : 'identity';
  }

  override async removeIdentity(accountId: string, provider: string, subject: string): Promise<boolean> {
    if (!isUuid(accountId)) return false;
    const rows = await this.database.query(
      `delete from ${this.identities} where account_id = $1 and provider = $2 and subject = $3 returning account_id`,
      [accountId, encodeText(provider), encodeText(subject)],
    );
    return rows.length > 0;
  }

  private async findGroupId(name: string): Promise<string | null> {
    const [row] = await this.database.query(`select id from ${this.groups} where name = $1`, [encodeText(name)]);
    return row === undefined ? null : readText(row, 'id');
  }

  private async findWhere(where: string, values: readonly SqlValue[]): Promise<FoundAccount | null> {
    const [row] = await this.database.query(`${this.select} where ${where}`, values);
    return row === undefined ? null : toAccount(row);
  }

  private async changeLocked(
    runner: SqlRunner,
    id: string,
    decide: (account: FoundAccount) => StoredAccount,
  ): Promise<FoundAccount | null> {
    const [row] = await runner.query(`${this.select} where account.id = $1 for no key update of account`, [id]);
    if (row === undefined) return null;
    const account = toAccount(row);
    const changed = { ...decide(account), id };
    const set = written.map((column, at) => `${column} = $${at + 1}`).slice(1);
    await runner.query(`update ${this.accounts} set ${set.join(', ')} where id = $1`, valuesOf(changed));
    return { ...changed, groups: account.groups };
  }

  /** @returns what is taken; `null` when the statement was run */
  private async attempt(run: () => Promise<unknown>): Promise<AccountConflict | 'identity' | null> {
    try {
      await run();
      return null;
    } catch (error) {
      const taken = error instanceof UniqueViolation ? conflicts[error.constraint] : undefined;
      if (taken === undefined) throw error;
      return taken;
    }
  }
}

const columns = written.map((column) => (column.endsWith('_at') ? epochMs(column) : column)).join(', ');

function placeholders(first: number, count: number): string {
  return Array.from({ length: count }, (_, at) => `$${first + at}`).join(', ');
}

const encodeOrNull = (text: string | null): string | null => (text === null ? null : encodeText(text));
const decodeOrNull = (text: string | null): string | null => (text === null ? null : decodeText(text));

/** In the order of `written`. */
function valuesOf(account: StoredAccount): SqlValue[] {
  return [
    account.id,
    ...textColumns.map((column) => encodeOrNull(account[texts[column]])),
    account.emailVerified,
    account.status,
    account.isAnonymous,
    JSON.stringify(account.credentials),
    JSON.stringify(account.customData),
    account.createdAt,
    account.updatedAt,
    account.lastSignInAt,
  ];
}

function identityValues({ provider, subject, email, linkedAt }: StoredIdentity): SqlValue[] {
  return [encodeText(provider), encodeText(subject), encodeOrNull(email), linkedAt];
}

function toIdentity(row: SqlRow): StoredIdentity {
  return {
    provider: decodeText(readText(row, 'provider')),
    subject: decodeText(readText(row, 'subject')),
    email: decodeOrNull(readTextOrNull(row, 'email')),
    linkedAt: readDate(row, 'linked_at'),
  };
}

function toAccount(row: SqlRow): FoundAccount {
  const text = (column: keyof typeof texts): string | null => decodeOrNull(readTextOrNull(row, column));
  return {
    id: readText(row, 'id'),
    email: text('email'),
    emailKey: text('email_key'),
    emailVerified: readSwitch(row, 'email_verified'),
    username: text('username'),
    usernameKey: text('username_key'),
    name: text('name'),
    nameKey: text('name_key'),
    givenName: text('given_name'),
    familyName: text('family_name'),
    pictureUrl: text('picture_url'),
    status: readText(row, 'status') === 'disabled' ? 'disabled' : 'enabled',
    isAnonymous: readSwitch(row, 'is_anonymous'),
    credentials: readJson(row, 'credentials') as AccountCredentials,
    customData: readJson(row, 'custom_data') as JsonObject,
    createdAt: readDate(row, 'created_at'),
    updatedAt: readDate(row, 'updated_at'),
    lastSignInAt: readDateOrNull(row, 'last_sign_in_at'),
    groups: (readJson(row, 'groups') as readonly string[]).map(decodeText),
  };
}
