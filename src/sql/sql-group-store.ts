import { type GroupQuery, GroupStore, type StoredGroup } from '../accounts/group-store.js';
import { isUuid } from '../issuing/uuid-v7.js';
import type { JsonObject } from '../token/json-object.js';
import { decodeText, encodeText } from './encoded-text.js';
import { epochMs, readDate, readJson, readSwitch, readText, readTextOrNull } from './row-values.js';
import { type SqlRow, type SqlValue, UniqueViolation } from './sql-database.js';
import type { StoreDatabase } from './store-database.js';

const columns = ['name', 'description', 'custom_data', epochMs('created_at'), epochMs('updated_at')].join(', ');

/** Groups and their members in PostgreSQL. Each method but `change` is one statement. */
export class SqlGroupStore extends GroupStore {
  private readonly groups: string;
  private readonly members: string;
  private readonly accounts: string;

  constructor(private readonly database: StoreDatabase) {
    super();
    this.groups = `${database.qualifier}groups`;
    this.members = `${database.qualifier}group_members`;
    this.accounts = `${database.qualifier}accounts`;
  }

  override async create(group: StoredGroup): Promise<boolean> {
    const rows = await this.database.query(
      `insert into ${this.groups} (name, description, custom_data, created_at, updated_at) values ($1, $2, $3, $4, $5)
      on conflict (name) do nothing returning id`,
      [...valuesOf(group), group.createdAt, group.updatedAt],
    );
    return rows.length > 0;
  }

  override async find(name: string): Promise<StoredGroup | null> {
    const [row] = await this.database.query(`select ${columns} from ${this.groups} where name = $1`, [
      encodeText(name),
    ]);
    return row === undefined ? null : toGroup(row);
  }

  override async list({ accountId, afterName, limit }: GroupQuery): Promise<readonly StoredGroup[]> {
    if (accountId !== null && !isUuid(accountId)) return [];
    const values: SqlValue[] = [limit];
    const terms: string[] = [];
    if (afterName !== null) terms.push(`name > $${values.push(encodeText(afterName))}`);
    if (accountId !== null) {
      terms.push(`id in (select group_id from ${this.members} where account_id = $${values.push(accountId)})`);
    }
    const where = terms.length === 0 ? '' : `where ${terms.join(' and ')}`;
    const rows = await this.database.query(
      `select ${columns} from ${this.groups} ${where} order by name limit $1`,
      values,
    );
    return rows.map(toGroup);
  }

  override async change(
    name: string,
    decide: (group: StoredGroup) => StoredGroup,
  ): Promise<StoredGroup | 'name' | null> {
    try {
      return await this.database.transaction(async (runner) => {
        const lock = `select ${columns} from ${this.groups} where name = $1 for no key update`;
        const [row] = await runner.query(lock, [encodeText(name)]);
        if (row === undefined) return null;
        const changed = decide(toGroup(row));
        await runner.query(
          `update ${this.groups} set name = $1, description = $2, custom_data = $3, updated_at = $4 where name = $5`,
          [...valuesOf(changed), changed.updatedAt, encodeText(name)],
        );
        return changed;
      });
    } catch (error) {
      if (error instanceof UniqueViolation) return 'name';
      throw error;
    }
  }

  override async delete(name: string): Promise<boolean> {
    const rows = await this.database.query(`delete from ${this.groups} where name = $1 returning id`, [
      encodeText(name),
    ]);
    return rows.length > 0;
  }

  override async addMember(name: string, accountId: string): Promise<'group' | 'account' | null> {
    const [row] = await this.database.query(
      `with found as (select id from ${this.groups} where name = $1),
        account as (select id from ${this.accounts} where id = $2),
        added as (insert into ${this.members} (group_id, account_id) select found.id, account.id from found, account
          on conflict do nothing)
      select exists (select from found) as has_group, exists (select from account) as has_account`,
      [encodeText(name), isUuid(accountId) ? accountId : null],
    );
    if (row === undefined || !readSwitch(row, 'has_group')) return 'group';
    return readSwitch(row, 'has_account') ? null : 'account';
  }

  override async removeMember(name: string, accountId: string): Promise<boolean> {
    if (!isUuid(accountId)) return false;
    const rows = await this.database.query(
      `delete from ${this.members} where account_id = $2
        and group_id = (select id from ${this.groups} where name = $1) returning account_id`,
      [encodeText(name), accountId],
    );
    return rows.length > 0;
  }
}

/** What can be changed, in the order of the columns. */
function valuesOf({ name, description, customData }: StoredGroup): SqlValue[] {
  return [encodeText(name), description === null ? null : encodeText(description), JSON.stringify(customData)];
}

function toGroup(row: SqlRow): StoredGroup {
  const description = readTextOrNull(row, 'description');
  return {
    name: decodeText(readText(row, 'name')),
    description: description === null ? null : decodeText(description),
    customData: readJson(row, 'custom_data') as JsonObject,
    createdAt: readDate(row, 'created_at'),
    updatedAt: readDate(row, 'updated_at'),
  };
}
