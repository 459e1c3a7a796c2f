import type { AuthSettings } from '../auth-settings.js';
import { type AppModules, findAppProvider, getAppProvider } from '../find-app-provider.js';
import { ApiKeyStore } from '../api-keys/api-key-store.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { SessionStore } from '../sessions/session-store.js';
import { AccountSubjects } from '../sessions/account-subjects.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { SessionSubject } from '../sessions/session-subject.js';
import type { SessionService } from '../sessions/session.service.js';
import type { EventLog } from '../telemetry/event-log.service.js';
import { toSubject } from './account.js';
import type { AccountTerms } from './account-options.js';
import { AccountStore } from './account-store.js';
import { askStore } from '../ask-store.js';
import { AttemptStore } from '../issuing/attempt-store.js';
import { GroupStore } from './group-store.js';
import { GuessingLimits } from './guessing-limits.js';
import { OneTimeCodeStore } from '../issuing/one-time-code-store.js';
import { OneTimeCodes } from './one-time-codes.js';
import { PasskeyStore } from './passkey-store.js';

/** How many sessions one statement deletes. */
const deletedAtOnce = 1_000;

/** The stores of accounts, found among the modules of the app when they are first needed. */
export class AccountStores {
  private limits: GuessingLimits | undefined;
  private codes: OneTimeCodes | undefined;

  constructor(
    private readonly modules: AppModules,
    private readonly settings: AuthSettings,
  ) {}

  readonly findAccounts = (): AccountStore => this.get(AccountStore);
  readonly findGroups = (): GroupStore => this.get(GroupStore);
  readonly findEncryptionKeys = (): EncryptionKeys => this.get(EncryptionKeys);
  readonly findLimits = (): GuessingLimits =>
    (this.limits ??= new GuessingLimits({
      store: this.get(AttemptStore),
      encryptionKeys: this.findEncryptionKeys(),
      clock: this.settings.clock,
    }));

  readonly findCodes = (): OneTimeCodes =>
    (this.codes ??= new OneTimeCodes({
      store: this.get(OneTimeCodeStore),
      encryptionKeys: this.findEncryptionKeys(),
      clock: this.settings.clock,
    }));

  readonly findPasskeys = (): PasskeyStore => this.get(PasskeyStore);

  /** Deletes what is stored of the sessions and API keys of an account that have ended. */
  readonly deleteEnded = async (accountId: string): Promise<void> => {
    await askStore('of the API keys', async () => this.find(ApiKeyStore)?.deleteRevoked(accountId));
    const sessions = this.get(SessionStore);
    const deleteSome = (): Promise<number> =>
      askStore('of the sessions', () => sessions.deleteEnded(accountId, deletedAtOnce));
    while ((await deleteSome()) === deletedAtOnce);
  };

  /** @throws {ConfigurationError} when a store is missing. */
  check({ passkeys }: AccountTerms): void {
    this.findAccounts();
    this.findGroups();
    this.findLimits();
    this.findCodes();
    if (passkeys !== null) this.findPasskeys();
  }

  private find<Store>(
    port: (abstract new (...parameters: never[]) => Store) & { readonly name: string },
  ): Store | null {
    return findAppProvider(this.modules, port, 'AccountsModule.forRoot');
  }

  private get<Store>(port: (abstract new (...parameters: never[]) => Store) & { readonly name: string }): Store {
    return getAppProvider(this.modules, port, 'AccountsModule.forRoot');
  }
}

/** The users of sessions and API keys who have an account that is not disabled. */
export class StoredAccountSubjects extends AccountSubjects {
  constructor(private readonly stores: AccountStores) {
    super();
  }

  override async findSubject(userId: string): Promise<SessionSubject | null> {
    const account = await askStore('of the accounts', () => this.stores.findAccounts().find(userId));
    return account === null || account.status === 'disabled' ? null : toSubject(account);
  }
}

/** What `AuthModule` and `SessionsModule` provide. */
export class AccountsBasis {
  constructor(
    readonly settings: AuthSettings,
    readonly log: EventLog,
    readonly gate: SessionGate,
    readonly sessions: SessionService,
  ) {}
}
