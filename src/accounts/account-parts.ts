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
import { BrowserBinding } from './browser-binding.js';
import type { GuessingLimits } from './guessing-limits.js';
import { LoginCheck } from './login-check.js';
import { MailedCodes } from './mailed-codes.js';
import { OneTimeCodeStore } from './one-time-code-store.js';
import type { OneTimeCodes } from './one-time-codes.js';
import { Outbox } from './outbox.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordPolicy } from './password-policy.js';
import { SignUpHooks } from './sign-up-hooks.js';
import { SignUps } from './sign-ups.js';
import type { AccountStores, AccountsBasis } from './account-stores.js';
import type { AccountsAppObjects } from './accounts-app-objects.js';

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
    this.access = new AccountAccess({
      records,
      endSessions: (id, exceptId) => sessions.endAll(id, exceptId === undefined ? {} : { except: exceptId }),
      endCodes: async (id) => {
        await findAppProvider(modules, OneTimeCodeStore, terms.where)?.endOfAccount(id);
      },
      revokeKeys: async (id) => {
        await findAppProvider(modules, ApiKeyService, terms.where)?.revokeAll(id);
      },
      deleteEnded: stores.deleteEnded,
      removePasskeys: () => Promise.resolve(),
    });
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
    this.browsers = new BrowserBinding(gate);
    const hasPasswords = terms.minPasswordLength !== null;
    this.signIns = new AccountSignIns({ records, passwords, access, hasPasswords });
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

/** Whether mails can be sent, or be written to the log. */
function hasMail({ mail }: AccountTerms): boolean {
  return mail !== null || !isProduction();
}

const isProduction = (): boolean => process.env['NODE_ENV'] === 'production';

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
