/** A store of signing keys that several instances of an app share, and the instances. */
import { ManualClock } from './manual-clock.js';
import { EncryptionKeys } from '../../src/issuing/encryption-keys.js';
import type { SigningKeyStore, StoredSigningKey } from '../../src/issuing/signing-key-store.js';
import { type PublicJwk, type SigningKeyName, SigningKeys } from '../../src/issuing/signing-keys.js';
import { StoredSigningKeys, type StoredSigningKeysParts } from '../../src/issuing/stored-signing-keys.js';
import type { AuthEvent } from '../../src/telemetry/auth-event.js';

/** Keeps keys in memory. Each call takes a turn of the event loop, as with a database. */
class SharedStore implements SigningKeyStore {
  keys: readonly StoredSigningKey[] = [];
  isDown = false;
  /** The names of the calls, in their order. */
  calls: string[] = [];
  private held: Promise<void> | null = null;

  async list(): Promise<readonly StoredSigningKey[]> {
    const { held } = this;
    this.held = null;
    const keys = await this.answer('list').then(() => this.keys);
    await held;
    return keys;
  }

  /** Makes the next list arrive late, with the keys of when it was asked for. @returns what lets it arrive */
  holdBack(): () => void {
    let release = (): void => undefined;
    this.held = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      release();
    };
  }

  async add(key: StoredSigningKey): Promise<boolean> {
    await this.answer('add');
    if (this.keys.some(({ kid, sequence }) => kid === key.kid || sequence === key.sequence)) return false;
    this.keys = [...this.keys, key].sort((one, other) => one.sequence - other.sequence);
    return true;
  }

  async remove(kids: readonly string[]): Promise<void> {
    await this.answer('remove');
    this.keys = this.keys.filter(({ kid }) => !kids.includes(kid));
  }

  /** How often the store was called since the last time this was asked. */
  countCalls(name: string): number {
    const count = this.calls.filter((call) => call === name).length;
    this.calls = [];
    return count;
  }

  private async answer(name: string): Promise<void> {
    this.calls.push(name);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isDown) throw new Error('connect ECONNREFUSED postgres://app:secret@db');
  }
}

export interface App {
  readonly store: SharedStore;
  readonly clock: ManualClock;
  readonly events: AuthEvent[];
  /** Starts an instance of the app. */
  readonly start: (parts?: Partial<StoredSigningKeysParts>) => StoredSigningKeys;
}

export const day = 86_400;

export function openApp(): App {
  const store = new SharedStore();
  const clock = new ManualClock();
  const events: AuthEvent[] = [];
  const encryptionKeys = EncryptionKeys.random();
  const start = (parts: Partial<StoredSigningKeysParts> = {}): StoredSigningKeys =>
    new StoredSigningKeys({
      findStore: () => store,
      findEncryptionKeys: () => encryptionKeys,
      clock,
      algorithm: 'ES256',
      longestTokenSeconds: 600,
      report: (event) => events.push(event),
      ...parts,
    });
  return { store, clock, events, start };
}

/** Lets work in the background end that nobody waits for. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

export const kidsOf = async (keys: SigningKeys): Promise<readonly string[]> =>
  (await keys.published()).map(({ kid }) => kid);

export const kidOf = async (keys: SigningKeys): Promise<string> => (await keys.current()).kid;

/** Uses the keys, and waits for the reading that this may have started in the background. */
export async function use(keys: SigningKeys): Promise<void> {
  await keys.current();
  await settle();
}

/** Keys in a service, which answers later, and which the test stops and counts. */
export class RemoteKeys extends SigningKeys {
  isDown = false;
  calls = 0;

  constructor(private readonly keys: SigningKeys) {
    super();
  }

  override current(): Promise<SigningKeyName> {
    return Promise.resolve(this.keys.current());
  }

  override sign(): never {
    throw new Error('Nothing is signed here');
  }

  override async published(): Promise<readonly PublicJwk[]> {
    this.calls += 1;
    if (this.isDown) throw new Error('https://key:secret@kms.example');
    await this.keys.refresh();
    return structuredClone(await this.keys.published());
  }

  override rotate(): Promise<void> {
    return this.keys.rotate();
  }
}
