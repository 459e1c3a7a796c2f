import { isProduction } from '../configuration/read-options.js';
import { ApiKeyService } from '../api-keys/api-key.service.js';
import { type Clock, NodeTimer } from '../clock/clock.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { type AppModules, findAppProvider } from '../find-app-provider.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { SessionService } from '../sessions/session.service.js';
import { AccountAccess } from './account-access.js';
import { AccountMails } from './account-mails.js';
import type { AccountTerms } from './account-options.js';
import { AccountPasswords } from './account-passwords.js';
import { AccountRecords } from './account-records.js';
import { AccountSessions } from './account-sessions.js';
import { AccountSignIns } from './account-sign-ins.js';
import { AddressProofs } from './address-proofs.js';
import { AnswerPace } from './answer-pace.js';
import { askStore } from '../ask-store.js';
import { BrowserBinding } from './browser-binding.js';
import type { GuessingLimits } from './guessing-limits.js';
import { LoginCheck } from './login-check.js';
import { MailedCodes } from './mailed-codes.js';
import { OneTimeCodeStore } from '../issuing/one-time-code-store.js';
import type { OneTimeCodes } from './one-time-codes.js';
import { Outbox } from './outbox.js';
import { ProviderTokenStore } from '../login/provider-token-store.js';
import { PasskeyStore } from './passkey-store.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordPolicy } from './password-policy.js';
import { SignUpHooks } from './sign-up-hooks.js';
import { SignUps } from './sign-ups.js';
import type { AccountStores, AccountsBasis } from './account-stores.js';
import type { AccountsAppObjects } from './accounts-app-objects.js';

/** It is kept as long as the code of a sign-up is valid. */
const signUpCookie = { name: 'sign-up', maxAgeSeconds: 86_400 };

/** What the services of accounts are made of. */
export class AccountParts {
  readonly records: AccountRecords;
  readonly passwords: AccountPasswords;
  readonly access: AccountAccess;
  readonly signIns: AccountSignIns;
  readonly outbox: Outbox;
  readonly mails: AccountMails;
  readonly codes: MailedCodes;
  readonly signUps: SignUps;
  readonly proofs: AddressProofs;
  readonly login: LoginCheck;
  readonly browsers: BrowserBinding;
  readonly accountSessions: AccountSessions;
  readonly hooks: SignUpHooks;
  readonly gate: SessionGate;
  readonly sessions: SessionService;
  readonly clock: Clock;
  readonly findLimits: () => GuessingLimits;
  readonly findCodes: () => OneTimeCodes;
  readonly hasMail: boolean;

  constructor(
    readonly terms: AccountTerms,
    stores: AccountStores,
    { settings: { clock }, sessions, gate, log }: AccountsBasis,
    objects: AccountsAppObjects,
    modules: AppModules,
  ) {
    const { findLimits, findCodes } = stores;
    this.gate = gate;
    this.sessions = sessions;
    this.clock = clock;
    this.findLimits = findLimits;
    this.findCodes = findCodes;
    this.hasMail = hasMail(terms);
    const pace = new AnswerPace();
    this.records = new AccountRecords({ findStore: stores.findAccounts, clock, emit: objects.emit });
    const { records } = this;
    this.passwords = new AccountPasswords({
      records,
      hasher: new PasswordHasher(),
      policy: new PasswordPolicy(terms.minPasswordLength ?? undefined),
      waitsForVerification: terms.signUp !== 'at-once',
    });
    const { passwords } = this;
    this.access = createAccess(records, sessions, modules, stores, terms.where);
    const { access } = this;
    this.outbox = new Outbox({
      findSender: objects.findSender,
      report: log.report,
      createTimer: () => new NodeTimer(),
    });
    this.mails = new AccountMails(this.outbox, terms.links);
    const { mails } = this;
    this.codes = new MailedCodes({ records, mails, findLimits, findCodes, pace });
    this.signUps = new SignUps({ records, passwords, access, mails, findLimits, findCodes, pace });
    this.proofs = new AddressProofs({ records, access, signUps: this.signUps });
    this.login = new LoginCheck(passwords, findLimits);
    this.browsers = new BrowserBinding(gate, signUpCookie);
    const hasPasswords = terms.minPasswordLength !== null;
    this.signIns = new AccountSignIns({
      records,
      passwords,
      access,
      hasPasswords,
      listPasskeys: listerOfPasskeys(terms, stores),
    });
    this.accountSessions = new AccountSessions({
      gate,
      sessions,
      signIns: this.signIns,
      passwords,
      findLimits,
      findCodes,
    });
    this.hooks = new SignUpHooks(objects.findHook);
  }
}

function createAccess(
  records: AccountRecords,
  sessions: SessionService,
  modules: AppModules,
  { deleteEnded }: AccountStores,
  where: string,
): AccountAccess {
  return new AccountAccess({
    records,
    endSessions: (id, exceptId) => sessions.endAll(id, exceptId === undefined ? {} : { except: exceptId }),
    endCodes: async (id) => {
      await findAppProvider(modules, OneTimeCodeStore, where)?.endOfAccount(id);
    },
    revokeKeys: async (id) => {
      await findAppProvider(modules, ApiKeyService, where)?.revokeAll(id);
    },
    deleteEnded,
    removePasskeys: async (id) => {
      const store = findAppProvider(modules, PasskeyStore, where);
      if (store !== null) await askStore('of the passkeys', () => store.removeOfAccount(id));
    },
    removeProviderTokens: async (id, provider) => {
      const store = findAppProvider(modules, ProviderTokenStore, where);
      if (store !== null) await askStore('of the tokens of providers', () => store.remove(id, provider));
    },
  });
}

/** The ids of the passkeys of an account; none where passkeys are switched off, since nobody can use them then. */
function listerOfPasskeys({ passkeys }: AccountTerms, stores: AccountStores) {
  return async (accountId: string): Promise<readonly string[]> => {
    if (passkeys === null) return [];
    const found = await askStore('of the passkeys', () => stores.findPasskeys().listOfAccount(accountId));
    return found.map(({ credentialId }) => credentialId);
  };
}

/** Whether mails can be sent, or be written to the log. */
function hasMail({ mail }: AccountTerms): boolean {
  return mail !== null || !isProduction();
}

/** @throws {ConfigurationError} where the app has to send mails, and cannot. */
export function checkMail(terms: AccountTerms): void {
  const features = [
    ...(terms.signUp === 'verify-first' ? ["signUp: 'verify-first'"] : []),
    ...(terms.magicLink ? ['magicLink'] : []),
    ...(terms.minPasswordLength === null ? [] : ['password']),
  ];
  if (hasMail(terms) || features.length === 0) return;
  throw new ConfigurationError(
    `${terms.where}({ mail })`,
    `it is missing, this is production, and mails are sent for ${features.join(', ')}`,
    "Write mail: smtp(process.env.SMTP_URL, { from: 'Example <no-reply@example.com>' }), or switch them off",
  );
}
