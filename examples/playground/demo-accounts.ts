import { Inject, Injectable } from '@nestjs/common';
import type { AuthUser } from 'nest-gatehouse';
import {
  type Account,
  AccountError,
  type AccountErrorCode,
  AccountService,
  GroupService,
} from 'nest-gatehouse/accounts';

/** What the provider is called in the identities of accounts. */
const provider = 'demo';

/** The accounts of those who sign in at the provider, and the groups of all. */
@Injectable()
export class DemoAccounts {
  constructor(
    @Inject(AccountService) private readonly accounts: AccountService,
    @Inject(GroupService) private readonly groups: GroupService,
  ) {}

  /** The account of a person of the provider. It is made when the person comes first, with the provider's roles as groups. */
  async ofPerson(person: AuthUser): Promise<Account> {
    const { id: subject, name, email, emailVerified, roles } = person;
    const known = await this.accounts.findByIdentity(provider, subject);
    if (known !== null) return known;
    const account = await this.accounts.create({ name });
    for (const role of roles) await this.join(role, account.id);
    try {
      await this.accounts.linkIdentity(account.id, { provider, subject, email });
    } catch (error) {
      // Another request of the same person was faster.
      throwUnless('IDENTITY_TAKEN', error);
      await this.accounts.delete(account.id);
      return this.ofPerson(person);
    }
    // An address that nobody has verified may be anybody's, and one that an account has already stays with it.
    const isUsable = email !== null && emailVerified === true && (await this.accounts.findByEmail(email)) === null;
    return isUsable ? this.accounts.update(account.id, { email, emailVerified }) : account;
  }

  /** Makes an account a member of a group, which is created where it does not exist. */
  async join(group: string, accountId: string): Promise<void> {
    if ((await this.groups.find(group)) === null) {
      await this.groups.create({ name: group }).catch((error: unknown) => throwUnless('GROUP_EXISTS', error));
    }
    await this.groups.addMember(group, accountId);
  }
}

function throwUnless(code: AccountErrorCode, error: unknown): void {
  if (!(error instanceof AccountError) || error.code !== code) throw error;
}
