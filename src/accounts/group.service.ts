import { type Clock, readMilliseconds } from '../clock/clock.js';
import { type Page, type PageOptions, readCursor, readLimit, toPage } from '../configuration/list-page.js';
import type { JsonObject } from '../token/json-object.js';
import { type Account } from './account.js';
import { AccountError } from './account-error.js';
import { checkInput, checkText, withoutUndefined } from './account-input.js';
import type { AccountService } from './account.service.js';
import { askStore } from '../ask-store.js';
import type { GroupStore, StoredGroup } from './group-store.js';

/** A group of accounts. Its name is a role of its members. */
export interface Group {
  readonly name: string;
  readonly description: string | null;
  /** What the app keeps with it. */
  readonly customData: JsonObject;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a group is created with. */
export interface NewGroup {
  /** 1 to 200 characters, compared exactly. */
  readonly name: string;
  /** At most 1,000 characters. */
  readonly description?: string | null;
  /** JSON of at most 64 KiB. */
  readonly customData?: JsonObject;
}

export interface GroupServiceParts {
  readonly findStore: () => GroupStore;
  readonly accounts: AccountService;
  readonly clock: Clock;
}

const groupRules = { name: 'groupName', description: 'description', customData: 'customData' } as const;

/**
 * Creates, changes and deletes groups of accounts, and their members. The groups of an account are the roles of its user, in access
 * tokens from the next refresh on. `AccountsModule` provides it to all modules.
 *
 * It does not check who calls it. What breaks a rule is an `AccountError`. All methods reject with an `AuthUnavailableError` (503) when
 * the store does not answer.
 */
export class GroupService {
  constructor(private readonly parts: GroupServiceParts) {}

  /** @throws {AccountError} `GROUP_EXISTS`, or `INVALID_INPUT`. */
  async create(given: NewGroup): Promise<Group> {
    checkInput<NewGroup>(given, groupRules, ['name']);
    const { name, description = null, customData = {} } = given;
    const at = this.now();
    const group = { name, description, customData, createdAt: at, updatedAt: at };
    if (!(await this.ask((store) => store.create(group)))) throw groupExists();
    return toGroup(group);
  }

  /** The group with exactly this name; `null` when there is none. */
  async find(name: string): Promise<Group | null> {
    if (typeof (name as unknown) !== 'string') return null;
    const group = await this.ask((store) => store.find(name));
    return group && toGroup(group);
  }

  /** All groups, by name. @throws {AccountError} `INVALID_INPUT` for a wrong `limit` or `cursor`. */
  list(options: PageOptions = {}): Promise<Page<Group>> {
    return this.listOf(null, options);
  }

  /** Sets what is given. The members stay, under another name too. @throws {AccountError} `NOT_FOUND`, `GROUP_EXISTS`, `INVALID_INPUT` */
  async update(name: string, changes: Partial<NewGroup>): Promise<Group> {
    checkText('name', name);
    checkInput<Partial<NewGroup>>(changes, groupRules);
    const set: Partial<StoredGroup> = withoutUndefined(changes);
    const updatedAt = this.now();
    const changed = await this.ask((store) => store.change(name, (group) => ({ ...group, ...set, updatedAt })));
    if (changed === null) throw unknownGroup();
    if (changed === 'name') throw groupExists();
    return toGroup(changed);
  }

  /** Deletes a group; its members stay accounts. Does nothing for one that is not there. */
  async delete(name: string): Promise<void> {
    checkText('name', name);
    await this.ask((store) => store.delete(name));
  }

  /** Makes an account a member; one that is a member already stays one. @throws {AccountError} `NOT_FOUND`, whether group or account */
  async addMember(name: string, accountId: string): Promise<void> {
    checkText('name', name);
    const missing = await this.ask((store) => store.addMember(name, accountId));
    if (missing === 'group') throw unknownGroup();
    if (missing === 'account') throw AccountError.because('NOT_FOUND', 'There is no account with this id');
  }

  /** Does nothing for an account that is not a member. */
  async removeMember(name: string, accountId: string): Promise<void> {
    checkText('name', name);
    await this.ask((store) => store.removeMember(name, accountId));
  }

  /** The members of a group, newest account first. @throws {AccountError} `INVALID_INPUT` for a wrong `limit` or `cursor`. */
  listMembers(name: string, options: PageOptions = {}): Promise<Page<Account>> {
    return this.parts.accounts.list({ ...options, group: name });
  }

  /** The groups that an account is a member of, by name. @throws {AccountError} `INVALID_INPUT` for a wrong `limit` or `cursor`. */
  listGroups(accountId: string, options: PageOptions = {}): Promise<Page<Group>> {
    return this.listOf(accountId, options);
  }

  private listOf(accountId: string | null, options: PageOptions): Promise<Page<Group>> {
    return AccountError.during(async () => {
      const limit = readLimit(options);
      const afterName = readCursor(options, parseCursor);
      const found = await this.ask((store) => store.list({ accountId, afterName, limit: limit + 1 }));
      return toPage(found, limit, { toItem: toGroup, cursorOf: ({ name }) => writeCursor(name) });
    });
  }

  private ask<Result>(call: (store: GroupStore) => Promise<Result>): Promise<Result> {
    return askStore('of the accounts', () => call(this.parts.findStore()));
  }

  private now(): Date {
    return new Date(readMilliseconds(this.parts.clock));
  }
}

/** A name as it stands in a query of an address. */
function writeCursor(name: string): string {
  return Buffer.from(name).toString('base64url');
}

function parseCursor(cursor: string): string | null {
  const name = Buffer.from(cursor, 'base64url').toString();
  return name !== '' && writeCursor(name) === cursor ? name : null;
}

function toGroup({ name, description, customData, createdAt, updatedAt }: StoredGroup): Group {
  return { name, description, customData, createdAt, updatedAt };
}

function unknownGroup(): AccountError {
  return AccountError.because('NOT_FOUND', 'There is no group with this name');
}

function groupExists(): AccountError {
  return AccountError.because('GROUP_EXISTS', 'Another group has this name');
}
