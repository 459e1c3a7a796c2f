import { Inject, Injectable } from '@nestjs/common';
import { type AccountEvent, AccountService, GroupService } from 'nest-gatehouse/accounts';
import { people } from './provider/people.js';
import { loginId } from './provider/provider-configuration.js';

/** Puts accounts into groups, which are the roles of their users. */
@Injectable()
export class DemoAccounts {
  constructor(
    @Inject(AccountService) private readonly accounts: AccountService,
    @Inject(GroupService) private readonly groups: GroupService,
  ) {}

  /** Called by `AccountsModule`. Gives a new account the roles that its person has at the provider, where these are known. */
  async onEvent({ type, accountId }: AccountEvent): Promise<void> {
    if (type !== 'account-created' && type !== 'account-upgraded') return;
    const identities = await this.accounts.identities(accountId);
    const subject = identities.find(({ provider }) => provider === loginId)?.subject;
    const person = people.find(({ id }) => id === subject);
    for (const role of person?.roles ?? []) await this.join(role, accountId);
  }

  /** Makes an account a member of a group, which is created where it does not exist. */
  async join(group: string, accountId: string): Promise<void> {
    if ((await this.groups.find(group)) === null) await this.groups.create({ name: group });
    await this.groups.addMember(group, accountId);
  }
}
