import type { JsonObject } from '../token/json-object.js';

/** A group of accounts. Its name is a role of its members. */
export interface StoredGroup {
  /** Compared exactly. No two groups have the same. */
  readonly name: string;
  readonly description: string | null;
  readonly customData: JsonObject;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Which groups are listed. */
export interface GroupQuery {
  /** Only groups that this account is a member of; `null` for all. */
  readonly accountId: string | null;
  /** Only groups after the one with this name in the list; `null` from the beginning. */
  readonly afterName: string | null;
  readonly limit: number;
}

/**
 * Where the instances of an app share the groups of its accounts. It belongs to an `AccountStore`, which reads it: an app that
 * provides its own provides both. `describeGroupStore` of `nest-gatehouse/testing` tests an implementation.
 */
export abstract class GroupStore {
  /** @returns `false` when there is a group with this name */
  abstract create(group: StoredGroup): Promise<boolean>;

  abstract find(name: string): Promise<StoredGroup | null>;

  /** In the order of the code points of their names. */
  abstract list(query: GroupQuery): Promise<readonly StoredGroup[]>;

  /**
   * Changes a group in one atomic step, as `AccountStore.change` does. Its members stay, under another name too.
   *
   * @returns the group as it is then; `'name'` when another group has the new name; `null` where there is no such group
   */
  abstract change(name: string, decide: (group: StoredGroup) => StoredGroup): Promise<StoredGroup | 'name' | null>;

  /** Deletes a group; its members are accounts as before. @returns whether this call did */
  abstract delete(name: string): Promise<boolean>;

  /** Makes an account a member; one that is a member already stays one. @returns what there is not; `null` when it is a member */
  abstract addMember(name: string, accountId: string): Promise<'group' | 'account' | null>;

  /** @returns whether the account was a member */
  abstract removeMember(name: string, accountId: string): Promise<boolean>;
}
