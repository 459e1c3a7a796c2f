export { AccountsModule, type AccountsModuleAsyncOptions } from './accounts.module.js';
export type {
  AccountLinks,
  AccountListener,
  AccountOptionsFactory,
  AccountsModuleOptions,
  SignUpAddition,
  SignUpAttempt,
  SignUpHook,
} from './account-options.js';
export { type AccountMail, type AccountMailKind, MailSender } from './mail-sender.js';
export type { PasskeyOptions } from './passkey-options.js';
export type { SignUpInputClass } from './sign-up-input.js';
export {
  type AccountListOptions,
  AccountService,
  type NewAccount,
  type NewIdentity,
} from './account.service.js';
export type { AccountProfile } from './account-profile.js';
export { type Group, GroupService, type NewGroup } from './group.service.js';
export type { Account, AccountIdentity } from './account.js';
export { AccountError, type AccountErrorCode } from './account-error.js';
export type { AccountEvent } from './account.js';
export type { Page, PageOptions } from '../configuration/list-page.js';
export type { MailContent } from './mail-texts.js';
export { smtp, type SmtpOptions } from './smtp.js';
