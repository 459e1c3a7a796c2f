/** The ceremonies of passkeys over stores in memory. */
import { createStoredAccount } from '../../src/accounts/account-profile.js';
import type { FoundAccount } from '../../src/accounts/account-store.js';
import { MemoryOneTimeCodeStore } from '../../src/issuing/memory-one-time-code-store.js';
import { MemoryPasskeyStore } from '../../src/accounts/memory-passkey-store.js';
import { OneTimeCodes } from '../../src/accounts/one-time-codes.js';
import {
  PasskeyChallenges,
  type PasskeyCeremony,
  type PasskeyResponse,
} from '../../src/accounts/passkey-challenges.js';
import { readPasskeyTerms } from '../../src/accounts/passkey-options.js';
import { Passkeys } from '../../src/accounts/passkeys.js';
import type { WebAuthn } from '../../src/accounts/webauthn-package.js';
import { EncryptionKeys } from '../../src/issuing/encryption-keys.js';
import { createUuidV7 } from '../../src/issuing/uuid-v7.js';
import { ManualClock } from './manual-clock.js';
import { outcomeOf } from './outcome.js';
import { type AuthenticatorOptions, type CeremonyChanges, SoftwareAuthenticator } from './software-authenticator.js';

export const origin = 'https://app.example.com';
const terms = readPasskeyTerms('here', { rpId: 'example.com', rpName: 'Example', origins: [origin] });

export class PasskeyStand {
  readonly clock = new ManualClock();
  readonly store = new MemoryPasskeyStore();
  readonly codes = new OneTimeCodes({
    store: new MemoryOneTimeCodeStore(),
    encryptionKeys: EncryptionKeys.random(),
    clock: this.clock,
  });
  readonly challenges = new PasskeyChallenges(() => this.codes);
  readonly passkeys: Passkeys;
  /** Accounts that may not be signed in to. */
  readonly disabled = new Set<string>();
  readonly account: FoundAccount;

  constructor(webAuthn: WebAuthn) {
    const { challenges, clock, store } = this;
    this.passkeys = new Passkeys({
      terms,
      webAuthn,
      findStore: () => store,
      challenges,
      findAccount: this.findAccount,
      now: () => clock.now(),
    });
    this.account = this.newAccount();
  }

  private readonly findAccount = (id: string): Promise<FoundAccount | null> =>
    Promise.resolve(this.disabled.has(id) ? null : { ...this.account, id });

  newAccount(): FoundAccount {
    const at = this.clock.now();
    return { ...createStoredAccount(createUuidV7(at.getTime()), at), email: 'ada@example.com', groups: [] };
  }

  issue(ceremony: PasskeyCeremony, boundTo = 'here'): Promise<string> {
    return this.challenges.issue({ ceremony, boundTo, accountId: null });
  }

  answer(response: object, boundTo = 'here') {
    return { response: response as PasskeyResponse, isBound: (stored: string) => stored === boundTo };
  }

  async create(authenticator: SoftwareAuthenticator, changes: CeremonyChanges = {}, account = this.account) {
    const options = await this.passkeys.createOptions(account, await this.issue('passkey-registration'));
    return authenticator.create(options, changes);
  }

  register(response: object, isAllowed = true, account = this.account) {
    const allowed = (): Promise<boolean> => Promise.resolve(isAllowed);
    return this.passkeys.register(account, this.answer(response), { name: 'Key', isAllowed: allowed });
  }

  async registered(options: Partial<AuthenticatorOptions> = {}): Promise<SoftwareAuthenticator> {
    const authenticator = new SoftwareAuthenticator({ origin, ...options });
    await this.register(await this.create(authenticator));
    return authenticator;
  }

  async signIn(authenticator: SoftwareAuthenticator, changes: CeremonyChanges = {}): Promise<string> {
    const options = await this.passkeys.signInOptions(await this.issue('passkey-sign-in'));
    return await outcomeOf(this.passkeys.verify(this.answer(authenticator.get(options, changes))));
  }
}
