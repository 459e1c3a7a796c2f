import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Put } from '@nestjs/common';
import { type JsonObject, Public } from 'nest-gatehouse';
import { type Account, AccountService, GroupService, type Page } from 'nest-gatehouse/accounts';
import { DemoAccounts } from './demo-accounts.js';
import { type KeptMail, KeptMails } from './kept-mails.js';

/**
 * The table of all accounts, and the mails. Everybody may use it, because this is a demonstration: an app guards such routes, as by
 * `@RequireRoles('admin')`. What breaks a rule is an `AccountError`, which is answered with its status and code.
 */
@Public()
@Controller('playground')
export class AccountsController {
  constructor(
    @Inject(AccountService) private readonly accounts: AccountService,
    @Inject(GroupService) private readonly groups: GroupService,
    @Inject(DemoAccounts) private readonly demoAccounts: DemoAccounts,
    @Inject(KeptMails) private readonly mails: KeptMails,
  ) {}

  @Get('mails')
  listMails(): { readonly items: readonly KeptMail[] } {
    return { items: this.mails.list() };
  }

  @Get('accounts')
  list(): Promise<Page<Account>> {
    return this.accounts.list({ limit: 20 });
  }

  @Put('accounts/:id/groups/:group')
  @HttpCode(204)
  async addGroup(@Param('id') id: string, @Param('group') group: string): Promise<void> {
    await this.demoAccounts.join(group, id);
  }

  @Delete('accounts/:id/groups/:group')
  @HttpCode(204)
  async removeGroup(@Param('id') id: string, @Param('group') group: string): Promise<void> {
    await this.groups.removeMember(group, id);
  }

  @Put('accounts/:id/custom-data')
  replaceCustomData(@Param('id') id: string, @Body() customData: JsonObject): Promise<Account> {
    return this.accounts.update(id, { customData });
  }

  @Put('accounts/:id/disabled')
  disable(@Param('id') id: string): Promise<Account> {
    return this.accounts.disable(id);
  }

  @Delete('accounts/:id/disabled')
  enable(@Param('id') id: string): Promise<Account> {
    return this.accounts.enable(id);
  }

  @Delete('accounts/:id')
  @HttpCode(204)
  async delete(@Param('id') id: string): Promise<void> {
    await this.accounts.delete(id);
  }
}
