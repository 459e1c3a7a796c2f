import {
  type AccountConflict,
  type AccountQuery,
  AccountStore,
  type FoundAccount,
  type StoredAccount,
  type StoredIdentity,
} from './account-store.js';
import { type GroupQuery, GroupStore, type StoredGroup } from './group-store.js';

/** Accounts and groups in memory, which refer to each other. */
class MemoryDirectory {
  readonly accounts = new Map<string, StoredAccount>();
  readonly identities = new Map<string, StoredIdentity & { readonly accountId: string }>();
  readonly groups = new Map<string, StoredGroup>();
  /** The ids of the members of each group. */
  readonly members = new Map<string, Set<string>>();

  groupsOf(accountId: string): readonly string[] {
    const names = [...this.members].filter(([, ids]) => ids.has(accountId)).map(([name]) => name);
    return names.sort(compareTexts);
  }
}

/** An `AccountStore` in memory, for tests and for several apps in one process. Its accounts end with the process. */
export class MemoryAccountStore extends AccountStore {
  readonly directory = new MemoryDirectory();

  override create(account: StoredAccount, identity?: StoredIdentity): Promise<AccountConflict | 'identity' | null> {
    const { accounts, identities } = this.directory;
    if (accounts.has(account.id)) return Promise.reject(new Error('There is an account with this id already'));
    const conflict = this.conflictOf(account);
    if (conflict !== null) return Promise.resolve(conflict);
    if (identity !== undefined) {
      if (identities.has(keyOf(identity))) return Promise.resolve('identity');
      identities.set(keyOf(identity), { ...identity, accountId: account.id });
    }
    accounts.set(account.id, structuredClone(toStored(account)));
    return Promise.resolve(null);
  }

  override find(id: string): Promise<FoundAccount | null> {
    return this.findWhere((account) => account.id === id);
  }

  override findMany(ids: readonly string[]): Promise<readonly FoundAccount[]> {
    const found = ids.map((id) => this.directory.accounts.get(id)).filter((account) => account !== undefined);
    return Promise.resolve(found.map((account) => this.toFound(account)));
  }

  override findByEmail(emailKey: string): Promise<FoundAccount | null> {
    return this.findWhere((account) => account.emailKey === emailKey);
  }

  override findByUsername(usernameKey: string): Promise<FoundAccount | null> {
    return this.findWhere((account) => account.usernameKey === usernameKey);
  }

  override findByIdentity(provider: string, subject: string): Promise<FoundAccount | null> {
    const accountId = this.directory.identities.get(keyOf({ provider, subject }))?.accountId;
    return this.findWhere((account) => account.id === accountId);
  }

  override list({ group, search, afterId, limit }: AccountQuery): Promise<readonly FoundAccount[]> {
    const members = group === null ? null : (this.directory.members.get(group) ?? new Set());
    const found = [...this.directory.accounts.values()]
      .filter(({ id }) => (members === null || members.has(id)) && (afterId === null || id < afterId))
      .filter(
        ({ emailKey, usernameKey, nameKey }) =>
          search === null || [emailKey, usernameKey, nameKey].some((key) => key?.startsWith(search) === true),
      )
      .sort((one, other) => compareTexts(other.id, one.id));
    return Promise.resolve(found.slice(0, limit).map((account) => this.toFound(account)));
  }

  // What is thrown rejects. Nothing is awaited between reading and writing.
  override async change(
    id: string,
    decide: (account: FoundAccount) => StoredAccount,
  ): Promise<FoundAccount | AccountConflict | null> {
    const account = this.directory.accounts.get(id);
    if (account === undefined) return null;
    const changed = structuredClone(toStored(decide(this.toFound(account))));
    const conflict = this.conflictOf(changed);
    if (conflict !== null) return conflict;
    this.directory.accounts.set(id, changed);
    return await this.find(id);
  }

  override noteSignIn(id: string, at: Date): Promise<void> {
    const account = this.directory.accounts.get(id);
    if (account !== undefined && (account.lastSignInAt === null || account.lastSignInAt < at)) {
      this.directory.accounts.set(id, { ...account, lastSignInAt: at });
    }
    return Promise.resolve();
  }

  override delete(id: string): Promise<boolean> {
    const { accounts, identities, members } = this.directory;
    for (const [key, { accountId }] of identities) if (accountId === id) identities.delete(key);
    for (const ids of members.values()) ids.delete(id);
    return Promise.resolve(accounts.delete(id));
  }

  override listIdentities(id: string): Promise<readonly StoredIdentity[]> {
    const found = [...this.directory.identities.values()].filter(({ accountId }) => accountId === id);
    const inOrder = found.sort((one, other) => one.linkedAt.getTime() - other.linkedAt.getTime());
    return Promise.resolve(
      inOrder.map(({ provider, subject, email, linkedAt }) => ({ provider, subject, email, linkedAt })),
    );
  }

  override addIdentity(accountId: string, identity: StoredIdentity): Promise<'identity' | 'account' | null> {
    const { accounts, identities } = this.directory;
    if (!accounts.has(accountId)) return Promise.resolve('account');
    if (identities.has(keyOf(identity))) return Promise.resolve('identity');
    identities.set(keyOf(identity), { ...identity, accountId });
    return Promise.resolve(null);
  }

  override removeIdentity(id: string, provider: string, subject: string): Promise<boolean> {
    const key = keyOf({ provider, subject });
    const isTheirs = this.directory.identities.get(key)?.accountId === id;
    return Promise.resolve(isTheirs && this.directory.identities.delete(key));
  }

  private findWhere(matches: (account: StoredAccount) => boolean): Promise<FoundAccount | null> {
    const found = [...this.directory.accounts.values()].find(matches);
    return Promise.resolve(found === undefined ? null : this.toFound(found));
  }

  private toFound(account: StoredAccount): FoundAccount {
    return { ...structuredClone(account), groups: this.directory.groupsOf(account.id) };
  }

  private conflictOf({ id, emailKey, usernameKey }: StoredAccount): AccountConflict | null {
    const others = [...this.directory.accounts.values()].filter((other) => other.id !== id);
    if (emailKey !== null && others.some((other) => other.emailKey === emailKey)) return 'email';
    return usernameKey !== null && others.some((other) => other.usernameKey === usernameKey) ? 'username' : null;
  }
}

/** The `GroupStore` of a `MemoryAccountStore`. */
export class MemoryGroupStore extends GroupStore {
  private readonly directory: MemoryDirectory;

  constructor({ directory }: MemoryAccountStore) {
    super();
    this.directory = directory;
  }

  override create(group: StoredGroup): Promise<boolean> {
    if (this.directory.groups.has(group.name)) return Promise.resolve(false);
    this.directory.groups.set(group.name, structuredClone(group));
    this.directory.members.set(group.name, new Set());
    return Promise.resolve(true);
  }

  override find(name: string): Promise<StoredGroup | null> {
    return Promise.resolve(structuredClone(this.directory.groups.get(name)) ?? null);
  }

  override list({ accountId, afterName, limit }: GroupQuery): Promise<readonly StoredGroup[]> {
    const found = [...this.directory.groups.values()]
      .filter(({ name }) => accountId === null || this.directory.members.get(name)?.has(accountId) === true)
      .filter(({ name }) => afterName === null || compareTexts(name, afterName) > 0)
      .sort((one, other) => compareTexts(one.name, other.name));
    return Promise.resolve(structuredClone(found.slice(0, limit)));
  }

  override async change(
    name: string,
    decide: (group: StoredGroup) => StoredGroup,
  ): Promise<StoredGroup | 'name' | null> {
    const { groups, members } = this.directory;
    const group = groups.get(name);
    if (group === undefined) return null;
    const changed = structuredClone(decide(structuredClone(group)));
    if (changed.name !== name) {
      if (groups.has(changed.name)) return 'name';
      members.set(changed.name, members.get(name) ?? new Set());
      members.delete(name);
      groups.delete(name);
    }
    groups.set(changed.name, changed);
    return await this.find(changed.name);
  }

  override delete(name: string): Promise<boolean> {
    this.directory.members.delete(name);
    return Promise.resolve(this.directory.groups.delete(name));
  }

  override addMember(name: string, accountId: string): Promise<'group' | 'account' | null> {
    const members = this.directory.members.get(name);
    if (members === undefined) return Promise.resolve('group');
    if (!this.directory.accounts.has(accountId)) return Promise.resolve('account');
    members.add(accountId);
    return Promise.resolve(null);
  }

  override removeMember(name: string, accountId: string): Promise<boolean> {
    return Promise.resolve(this.directory.members.get(name)?.delete(accountId) === true);
  }
}

/** The groups of a found account are no part of what is stored. */
function toStored(account: StoredAccount): StoredAccount {
  const stored: Partial<FoundAccount> = { ...account };
  delete (stored as { groups?: unknown }).groups;
  return stored as StoredAccount;
}

function keyOf({ provider, subject }: Pick<StoredIdentity, 'provider' | 'subject'>): string {
  return JSON.stringify([provider, subject]);
}

/** In the order of code points, as a database with the collation "C" has it. */
function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
