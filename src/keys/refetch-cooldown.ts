import type { KeyFetch } from './held-keys.js';

/** How long a refetch counts. */
const windowMs = 10_000;
/** How many may bring what was wanted within that time. */
const mostFound = 10;

/**
 * How often unknown key ids may have a key set fetched again. A fetch that did not bring the key keeps them all from
 * causing another one for ten seconds from its start, so made-up key ids cost one call in that time, however many
 * they are, and delay a true rotation by that time at the most. Who shares a fetch adds nothing to its cost. True
 * rotations are hardly limited: only a server that shows another set each time it is asked is slowed down.
 */
export class RefetchCooldown {
  private inVain: KeyFetch | undefined;
  /** Those that brought what was wanted, the oldest first. */
  private readonly found: KeyFetch[] = [];

  isSpent(now: number): boolean {
    const oldest = this.found.length < mostFound ? undefined : this.found[0];
    return counts(this.inVain, now) || counts(oldest, now);
  }

  note(fetch: KeyFetch, foundIt: boolean): void {
    if (!foundIt) {
      this.inVain = fetch;
    } else if (this.found.at(-1) !== fetch) {
      this.found.push(fetch);
      if (this.found.length > mostFound) this.found.shift();
    }
  }
}

/** Not before its start either, where a clock that was put back is. */
function counts(fetch: KeyFetch | undefined, now: number): boolean {
  return fetch !== undefined && now >= fetch.askedAt && now < fetch.askedAt + windowMs;
}
