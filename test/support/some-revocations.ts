import type { RevocationEntry } from '../../src/revocation/revocation-store.js';
import type { RevocationStore } from '../../src/revocation/revocation-store.js';
import { ManualClock } from './manual-clock.js';

export const issuer = 'https://api.example.com';
export const clock = new ManualClock();
export const now = clock.now();
export const inSeconds = (seconds: number): Date => new Date(now.getTime() + seconds * 1_000);
export const expiresAtSeconds = now.getTime() / 1_000 + 900;

export const entryOf = (value: string, parts: Partial<RevocationEntry> = {}): RevocationEntry => ({
  kind: 'session',
  issuer,
  value,
  issuedUntilSeconds: null,
  expiresAtSeconds,
  ...parts,
});

/** Reads to the end, from the beginning or from a cursor. */
export async function readAll(
  store: RevocationStore,
  from?: string,
): Promise<{ entries: RevocationEntry[]; cursor: string }> {
  const entries: RevocationEntry[] = [];
  let page = from === undefined ? await store.snapshot() : await store.changesSince(from);
  for (;;) {
    if (page === null) throw new Error('The cursor is unknown');
    entries.push(...page.entries);
    if (!page.hasMore) return { entries, cursor: page.cursor };
    page = await store.changesSince(page.cursor);
  }
}
