import type { KeySet } from './key-set.js';
import { KeySource } from './key-source.js';
import type { KeyState } from './key-state.js';

/** Keys that the app has handed in. They change with a deployment only. */
export class StaticKeySource extends KeySource {
  constructor(private readonly keys: KeySet) {
    super();
  }

  override current(): KeySet {
    return this.keys;
  }

  override obtain(): Promise<KeySet> {
    return Promise.resolve(this.keys);
  }

  override refresh(): Promise<void> {
    return Promise.resolve();
  }

  override state(): KeyState {
    return { status: 'fixed', ageSeconds: null, nextRefreshAt: null, lastError: null };
  }

  override close(): void {
    // Nothing goes on here.
  }
}
