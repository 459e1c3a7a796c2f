import { type GroupQuery, GroupStore, type StoredGroup } from 'nest-gatehouse/sql';
import { type DataSource, MoreThan } from 'typeorm';
import { isUuid } from './is-uuid.js';
import { MembershipEntity, TeamEntity } from './user-entity.js';
import { findViolatedConstraint } from './violated-constraint.js';

/** The groups of the package are the teams of the app. */
export class TypeOrmGroupStore extends GroupStore {
  constructor(private readonly source: DataSource) {
    super();
  }

  override async create(group: StoredGroup): Promise<boolean> {
    return (await findViolatedConstraint(() => this.source.manager.insert(TeamEntity, { ...group }))) === null;
  }

  override async find(name: string): Promise<StoredGroup | null> {
    const team = await this.source.manager.findOneBy(TeamEntity, { name });
    return team === null ? null : toGroup(team);
  }

  override async list({ accountId, afterName, limit }: GroupQuery): Promise<readonly StoredGroup[]> {
    if (accountId !== null && !isUuid(accountId)) return [];
    const teams = await this.source.manager.find(TeamEntity, {
      where: {
        ...(afterName !== null && { name: MoreThan(afterName) }),
        ...(accountId !== null && { memberships: { userId: accountId } }),
      },
      order: { name: 'ASC' },
      take: limit,
    });
    return teams.map(toGroup);
  }

  override async change(
    name: string,
    decide: (group: StoredGroup) => StoredGroup,
  ): Promise<StoredGroup | 'name' | null> {
    let changed: StoredGroup | null = null;
    const violated = await findViolatedConstraint(() =>
      this.source.transaction(async (manager) => {
        const lock = { mode: 'for_no_key_update' } as const;
        const team = await manager.findOne(TeamEntity, { where: { name }, lock });
        if (team === null) return;
        changed = decide(toGroup(team));
        await manager.update(TeamEntity, { id: team.id }, { ...changed });
      }),
    );
    return violated === null ? changed : 'name';
  }

  override async delete(name: string): Promise<boolean> {
    return (await this.source.manager.delete(TeamEntity, { name })).affected === 1;
  }

  override async addMember(name: string, accountId: string): Promise<'group' | 'account' | null> {
    const team = await this.source.manager.findOneBy(TeamEntity, { name });
    if (team === null) return 'group';
    if (!isUuid(accountId)) return 'account';
    const insert = this.source.createQueryBuilder().insert().into(MembershipEntity);
    const violated = await findViolatedConstraint(() =>
      insert.values({ teamId: team.id, userId: accountId }).orIgnore().execute(),
    );
    if (violated === null) return null;
    // Either may have been deleted in the meantime.
    return violated === 'members_team' ? 'group' : 'account';
  }

  override async removeMember(name: string, accountId: string): Promise<boolean> {
    const team = await this.source.manager.findOneBy(TeamEntity, { name });
    if (team === null || !isUuid(accountId)) return false;
    const { affected } = await this.source.manager.delete(MembershipEntity, { teamId: team.id, userId: accountId });
    return affected === 1;
  }
}

function toGroup({ name, description, customData, createdAt, updatedAt }: TeamEntity): StoredGroup {
  return { name, description, customData: customData as StoredGroup['customData'], createdAt, updatedAt };
}
