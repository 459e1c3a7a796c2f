import type { Provider } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';

import { AuthSettings } from '../auth-settings.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { LoginAccounts } from '../login/login-accounts.js';
import { AccountSubjects } from '../sessions/account-subjects.js';
import { SessionGate } from '../sessions/session-gate.js';
import { SessionService } from '../sessions/session.service.js';
import { EventLog } from '../telemetry/event-log.service.js';
import { AccountLogins } from './account-logins.js';
import type { AccountTerms } from './account-options.js';
import { AccountService } from './account.service.js';
import { EmailRequests } from './email-requests.js';
import { GroupService } from './group.service.js';
import { MailSignInRequests } from './mail-sign-in-requests.js';
import { Outbox } from './outbox.js';
import { OwnAccountRequests } from './own-account-requests.js';
import { openPasskeyRequests, PasskeyRequests } from './passkey-requests.js';
import { SecondFactorRequests } from './second-factor-requests.js';
import { SecondFactors } from './second-factors.js';
import { SignInRequests } from './sign-in-requests.js';
import { AccountParts } from './account-parts.js';
import { AccountStores, AccountsBasis, StoredAccountSubjects } from './account-stores.js';
import { AccountsDoctorCheck } from './accounts-doctor-check.js';
import { AccountsAppObjects } from './accounts-app-objects.js';

export const ACCOUNT_TERMS = Symbol('nest-gatehouse.account-terms');

export const accountsModuleProviders: readonly Provider[] = [
  {
    provide: AccountsBasis,
    inject: [AuthSettings, EventLog, SessionGate, SessionService].map((token) => ({ token, optional: true })),
    useFactory: (...parts: ConstructorParameters<typeof AccountsBasis>): AccountsBasis => {
      if (parts.every((part) => (part as unknown) !== undefined)) return new AccountsBasis(...parts);
      throw new ConfigurationError(
        'AccountsModule.forRoot',
        'it does not see AuthModule and SessionsModule',
        'Add AuthModule.forRoot({ issuers: ownTokens(), publicUrl }) and SessionsModule.forRoot() to the imports of the root module',
      );
    },
  },
  {
    provide: AccountStores,
    inject: [ModulesContainer, AccountsBasis],
    useFactory: (modules: ModulesContainer, { settings }: AccountsBasis) => new AccountStores(modules, settings),
  },
  {
    provide: AccountSubjects,
    inject: [AccountStores],
    useFactory: (stores: AccountStores) => new StoredAccountSubjects(stores),
  },
  {
    provide: AccountsAppObjects,
    inject: [ACCOUNT_TERMS, ModulesContainer, ModuleRef, AccountsBasis],
    useFactory: (terms: AccountTerms, modules: ModulesContainer, moduleRef: ModuleRef, { log }: AccountsBasis) =>
      new AccountsAppObjects(terms, modules, moduleRef, log),
  },
  {
    provide: AccountParts,
    inject: [ACCOUNT_TERMS, AccountStores, AccountsBasis, AccountsAppObjects, ModulesContainer],
    useFactory: (...parts: ConstructorParameters<typeof AccountParts>) => new AccountParts(...parts),
  },
  {
    provide: AccountsDoctorCheck,
    inject: [ACCOUNT_TERMS, AccountStores],
    useFactory: (terms: AccountTerms, stores: AccountStores) => new AccountsDoctorCheck(terms, stores),
  },
  {
    provide: Outbox,
    inject: [AccountParts],
    useFactory: ({ outbox }: AccountParts) => outbox,
  },
  {
    provide: AccountService,
    inject: [AccountParts],
    useFactory: (parts: AccountParts) => new AccountService(parts),
  },
  {
    provide: LoginAccounts,
    inject: [AccountParts],
    useFactory: (parts: AccountParts) => new AccountLogins(parts),
  },
  {
    provide: GroupService,
    inject: [AccountStores, AccountService, AccountsBasis],
    useFactory: ({ findGroups }: AccountStores, accounts: AccountService, { settings: { clock } }: AccountsBasis) =>
      new GroupService({ findStore: findGroups, accounts, clock }),
  },
  ...[SignInRequests, EmailRequests, MailSignInRequests].map((requests) => ({
    provide: requests,
    inject: [AccountParts],
    useFactory: (parts: AccountParts) => new requests(parts),
  })),
  {
    provide: PasskeyRequests,
    inject: [AccountParts, AccountStores],
    useFactory: openPasskeyRequests,
  },
  {
    provide: OwnAccountRequests,
    inject: [AccountParts, AccountService],
    useFactory: (parts: AccountParts, accounts: AccountService) => new OwnAccountRequests(parts, accounts),
  },
  {
    provide: SecondFactors,
    inject: [AccountParts, AccountStores, AccountsBasis],
    useFactory: ({ records }: AccountParts, { findEncryptionKeys }: AccountStores, { settings }: AccountsBasis) =>
      // `SessionsModule` requires the address.
      new SecondFactors({ records, findEncryptionKeys, issuer: new URL(settings.publicUrl ?? '').hostname }),
  },
  {
    provide: SecondFactorRequests,
    inject: [AccountParts, SecondFactors],
    useFactory: (parts: AccountParts, factors: SecondFactors) => new SecondFactorRequests(parts, factors),
  },
];
