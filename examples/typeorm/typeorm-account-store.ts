import {
  type AccountConflict,
  type AccountQuery,
  AccountStore,
  type FoundAccount,
  type StoredAccount,
  type StoredIdentity,
} from 'nest-gatehouse/sql';
import { Between, type DataSource, type EntityManager, type FindOptionsWhere, In, LessThan } from 'typeorm';
import { isUuid } from './is-uuid.js';
import { LoginEntity, UserEntity } from './user-entity.js';
import { findViolatedConstraint } from './violated-constraint.js';

/** Which constraint of the tables keeps what from being there twice. */
const conflicts: Readonly<Record<string, AccountConflict | 'identity'>> = {
  users_mail: 'email',
  users_login: 'username',
  logins_once: 'identity',
};

/** The accounts of the package are the users of the app. */
export class TypeOrmAccountStore extends AccountStore {
  constructor(private readonly source: DataSource) {
    super();
  }

  override create(account: StoredAccount, identity?: StoredIdentity): Promise<AccountConflict | 'identity' | null> {
    return findConflict(() =>
      this.source.transaction(async (manager) => {
        await manager.insert(UserEntity, toUser(account));
        if (identity !== undefined) await manager.insert(LoginEntity, { ...identity, userId: account.id });
      }),
    );
  }

  override async find(id: string): Promise<FoundAccount | null> {
    return isUuid(id) ? this.findWhere({ id }) : null;
  }

  override async findMany(ids: readonly string[]): Promise<readonly FoundAccount[]> {
    return find(this.source.manager, { id: In(ids.filter(isUuid)) });
  }

  override findByEmail(emailKey: string): Promise<FoundAccount | null> {
    return this.findWhere({ emailKey });
  }

  override findByUsername(usernameKey: string): Promise<FoundAccount | null> {
    return this.findWhere({ usernameKey });
  }

  override async findByIdentity(provider: string, subject: string): Promise<FoundAccount | null> {
    const login = await this.source.manager.findOneBy(LoginEntity, { provider, subject });
    return login === null ? null : this.findWhere({ id: login.userId });
  }

  override async list({ group, search, afterId, limit }: AccountQuery): Promise<readonly FoundAccount[]> {
    if (afterId !== null && !isUuid(afterId)) return [];
    const all: FindOptionsWhere<UserEntity> = {
      ...(afterId !== null && { id: LessThan(afterId) }),
      ...(group !== null && { memberships: { team: { name: group } } }),
    };
    const keys = ['emailKey', 'usernameKey', 'nameKey'] as const;
    const page = await this.source.manager.find(UserEntity, {
      select: { id: true },
      where: search === null ? all : keys.map((key) => ({ ...all, [key]: beginsWith(search) })),
      order: { id: 'DESC' },
      take: limit,
    });
    // The teams are read apart: above, only the one that was asked for is joined.
    const found = await this.findMany(page.map(({ id }) => id));
    return found.toSorted((one, other) => (one.id < other.id ? 1 : -1));
  }

  override async change(
    id: string,
    decide: (account: FoundAccount) => StoredAccount,
  ): Promise<FoundAccount | AccountConflict | null> {
    if (!isUuid(id)) return null;
    let changed: FoundAccount | null = null;
    const conflict = await findConflict(() =>
      this.source.transaction(async (manager) => {
        const [account] = await find(manager, { id }, { mode: 'for_no_key_update', tables: ['users'] });
        if (account === undefined) return;
        const decided = { ...decide(account), id };
        await manager.update(UserEntity, { id }, toUser(decided));
        changed = { ...decided, groups: account.groups };
      }),
    );
    return conflict === 'identity' ? null : (conflict ?? changed);
  }

  override async noteSignIn(id: string, at: Date): Promise<void> {
    if (!isUuid(id)) return;
    const update = this.source.createQueryBuilder().update(UserEntity).set({ lastSignInAt: at });
    await update.where('user_id = :id and (seen_at is null or seen_at < :at)', { id, at }).execute();
  }

  override async delete(id: string): Promise<boolean> {
    return isUuid(id) && (await this.source.manager.delete(UserEntity, { id })).affected === 1;
  }

  override async listIdentities(accountId: string): Promise<readonly StoredIdentity[]> {
    if (!isUuid(accountId)) return [];
    const logins = await this.source.manager.find(LoginEntity, {
      where: { userId: accountId },
      order: { linkedAt: 'ASC', provider: 'ASC', subject: 'ASC' },
    });
    return logins.map(({ provider, subject, email, linkedAt }) => ({ provider, subject, email, linkedAt }));
  }

  override async addIdentity(accountId: string, identity: StoredIdentity): Promise<'identity' | 'account' | null> {
    if (!isUuid(accountId)) return 'account';
    const violated = await findViolatedConstraint(() =>
      this.source.manager.insert(LoginEntity, { ...identity, userId: accountId }),
    );
    if (violated === null) return null;
    return violated === 'logins_once' ? 'identity' : 'account';
  }

  override async removeIdentity(accountId: string, provider: string, subject: string): Promise<boolean> {
    if (!isUuid(accountId)) return false;
    const { affected } = await this.source.manager.delete(LoginEntity, { provider, subject, userId: accountId });
    return affected === 1;
  }

  /** @param where names something that one user has at most */
  private async findWhere(where: FindOptionsWhere<UserEntity>): Promise<FoundAccount | null> {
    const [account] = await find(this.source.manager, where);
    return account ?? null;
  }
}

async function find(
  manager: EntityManager,
  where: FindOptionsWhere<UserEntity>,
  lock?: { readonly mode: 'for_no_key_update'; readonly tables: string[] },
): Promise<FoundAccount[]> {
  const users = await manager.find(UserEntity, {
    where,
    relations: { memberships: { team: true } },
    order: { memberships: { team: { name: 'ASC' } } },
    ...(lock !== undefined && { lock }),
  });
  return users.map(toAccount);
}

/** What is taken; `null` when everything was stored. */
async function findConflict(run: () => Promise<unknown>): Promise<AccountConflict | 'identity' | null> {
  const violated = await findViolatedConstraint(run);
  if (violated === null) return null;
  const conflict = conflicts[violated];
  if (conflict === undefined) throw new Error(`The constraint ${violated} refuses the account`);
  return conflict;
}

/** Up to the greatest character behind it. */
const beginsWith = (search: string) => Between(search, `${search}\u{10FFFF}`);

function toUser({ status, ...account }: StoredAccount): Omit<UserEntity, 'memberships'> {
  const user = { ...account, isBlocked: status === 'disabled' };
  // What a change makes of a found account may have its groups, which are no part of what is stored.
  delete (user as { groups?: unknown }).groups;
  return user;
}

function toAccount({ isBlocked, memberships, customData, ...user }: UserEntity): FoundAccount {
  return {
    ...user,
    status: isBlocked ? 'disabled' : 'enabled',
    customData: customData as FoundAccount['customData'],
    groups: memberships.map(({ team }) => team.name),
  };
}
