/**
 * Keeps a thing with an object for as long as the object lives, out of sight of whoever prints, copies or compares it.
 *
 * For objects that come with every request. A WeakMap does the same, but each entry of one makes the collector's next round
 * longer: kept for every request, that costs more than judging the request's token (docs/performance.md).
 */
export class KeptWith<Thing> {
  // Not in the registry of symbols, so that each keeper has a place of its own in an object.
  private readonly place = Symbol('nest-gatehouse');
  /** For objects that take no member, or no new value of it. */
  private readonly elsewhere = new WeakMap<object, Thing>();

  /** What is kept with exactly this object, and not with one that it inherits from. */
  get(holder: object): Thing | undefined {
    const own = Object.hasOwn(holder, this.place) ? (holder as Record<symbol, Thing>)[this.place] : undefined;
    // First, as an object may have been frozen since it took the member.
    return this.elsewhere.get(holder) ?? own;
  }

  set(holder: object, thing: Thing): void {
    const isKept = Reflect.defineProperty(holder, this.place, { value: thing, writable: true, configurable: true });
    if (!isKept) this.elsewhere.set(holder, thing);
  }
}
