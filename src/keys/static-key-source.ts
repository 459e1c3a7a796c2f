import type { KeySet } from './key-set.js';
import { KeySource } from './key-source.js';

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
}
