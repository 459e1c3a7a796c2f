import { Inject, Injectable } from '@nestjs/common';
import type { AuthUser } from 'nest-gatehouse';
import { type Account, AccountService, GroupService } from 'nest-gatehouse/accounts';

/** What the provider is called in the identities of accounts. */
const provider = 'demo';

/** The accounts of those who sign in at the provider, and the groups of all. */
@Injectable()
export class DemoAccounts {
  constructor(
    @Inject(AccountService) private readonly accounts: AccountService,
    @Inject(GroupService) private readonly groups: GroupService,
  ) {}

  /**
   * The account of a person of the provider. It is made when the person comes first, with the provider's roles as groups.
   *
   * @throws {AccountError} `IDENTITY_TAKEN` when another request of the same person was faster, which happens with several instances
   */
  async ofPerson({ id: subject, name, email, emailVerified, roles }: AuthUser): Promise<Account> {
    const known = await this.accounts.findByIdentity(provider, subject);
    if (known !== null) return known;
    // An address that nobody has verified may be anybody's, and one that an account has already stays with it.
    const isUsable = email !== null && emailVerified === true && (await this.accounts.findByEmail(email)) === null;
    const account = await this.accounts.create({ name, ...(isUsable && { email, emailVerified }) });
    for (const role of roles) await this.join(role, account.id);
    await this.accounts.linkIdentity(account.id, { provider, subject, email });
    return account;
  }

  /** Makes an account a member of a group, which is created where it does not exist. */
  async join(group: string, accountId: string): Promise<void> {
    if ((await this.groups.find(group)) === null) await this.groups.create({ name: group });
    await this.groups.addMember(group, accountId);
  }
}
