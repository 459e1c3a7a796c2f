import { type AppModules, findAppProvider, getAppProvider } from '../find-app-provider.js';
import { EncryptionKeys } from '../issuing/encryption-keys.js';
import { SigningKeyStore } from '../issuing/signing-key-store.js';
import { SigningKeys } from '../issuing/signing-keys.js';
import { AskedSessionStore } from './asked-session-store.js';
import { SessionStore } from './session-store.js';

/** Who needs the stores, for messages. */
const where = 'SessionsModule';

/** The stores of the app that sessions need. Any module may provide them, so they are looked up when the app starts. */
export class SessionStores {
  private signingKeys: SigningKeys | undefined;
  private sessions: SessionStore | undefined;

  constructor(private readonly modules: AppModules) {}

  readonly findSessions = (): SessionStore =>
    (this.sessions ??= new AskedSessionStore(getAppProvider(this.modules, SessionStore, where)));

  readonly findSigningKeyStore = (): SigningKeyStore => getAppProvider(this.modules, SigningKeyStore, where);

  readonly findEncryptionKeys = (): EncryptionKeys => getAppProvider(this.modules, EncryptionKeys, where);

  /**
   * The signing keys of a module of the app, such as a key management service.
   *
   * @param stored those that are in the store, for an app without such a module
   */
  findSigningKeys(stored: SigningKeys): SigningKeys {
    return (this.signingKeys ??= findAppProvider(this.modules, SigningKeys, where, stored) ?? stored);
  }

  /** @throws {ConfigurationError} when a store is missing, or provided twice. */
  check(stored: SigningKeys): void {
    this.findSessions();
    this.findEncryptionKeys();
    if (this.findSigningKeys(stored) === stored) this.findSigningKeyStore();
  }
}
