/**
 * A map of at most `maxEntries` entries. Setting an entry makes it the newest one, and the oldest entries are dropped
 * when there are too many.
 */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  constructor(private readonly maxEntries: number) {
    super();
  }

  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    for (const oldest of this.keys()) {
      if (this.size <= this.maxEntries) break;
      this.delete(oldest);
    }
    return this;
  }
}
