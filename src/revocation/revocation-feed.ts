import { type Clock, readMilliseconds, type Timer } from '../clock/clock.js';
import { AuthUnavailableError, isAuthError } from '../errors/auth-error.js';
import { OutageWatch } from '../upstream/provider-calls.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { latestSeconds, RevocationList } from './revocation-list.js';
import type { RevocationTerms } from './revocation-options.js';
import { type RevocationEntry, type RevocationPage, type RevocationStore } from './revocation-store.js';

export interface RevocationFeedParts {
  readonly terms: RevocationTerms;
  /** Looked for when the app starts, as any module may provide it; `null` where there is none. */
  readonly findStore: () => RevocationStore | null;
  readonly clock: Clock;
  readonly timer: Timer;
  readonly report: ReportEvent;
}

/** The longest that one page of the store is waited for. */
const patienceMs = 5_000;
/** How often expired entries are dropped. */
const sweepEveryMs = 60_000;

/** A reading of the store, from its first page to its last. */
interface Reading {
  readonly startedAt: number;
  readonly end: () => void;
}

/**
 * Keeps the revocations of this process up to date: reads the store when the app starts and every `refreshSeconds` after
 * that. Between two readings everything is answered from memory.
 */
export class RevocationFeed {
  readonly list = new RevocationList();
  /** Another number after every change, so that remembered tokens are checked again; NaN while nothing can be answered. */
  version = Number.NaN;
  private changes = 0;
  /** `undefined` until it has been looked for. */
  private store: RevocationStore | null | undefined;
  private cursor: string | null = null;
  private reading: Reading | null = null;
  private lastReadAt: number | null = null;
  private lastProblem = 'it has not answered yet';
  private sweptAt = 0;
  private closed = false;
  private readonly listeners: (() => void)[] = [];
  private readonly outage: OutageWatch;

  constructor(private readonly parts: RevocationFeedParts) {
    const { clock, report, terms } = parts;
    const rejects = terms.onUnavailable === 'reject';
    this.outage = new OutageWatch({
      clock,
      report,
      what: 'revocations from the store',
      consequence: rejects
        ? 'Until it answers, tokens are answered with 503'
        : 'Until it answers, tokens are accepted by what is known here; a process that has read nothing yet answers 503',
    });
  }

  /** Whether it can be said of a token that it is not revoked. */
  get isAnswerable(): boolean {
    return !Number.isNaN(this.version);
  }

  /** When the store was last read, in milliseconds; `null` before that, and where there is none. */
  get readAt(): number | null {
    return this.lastReadAt;
  }

  /** Calls the listener after every change by which a token may have become revoked. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Looks for the store and begins to read it. Resolves when the first reading has ended, with or without success.
   *
   * @throws {ConfigurationError} when the store cannot be used as it is provided.
   */
  start(): Promise<void> {
    if (this.store !== undefined) return Promise.resolve();
    this.store = this.parts.findStore();
    if (this.store !== null) return this.read(this.store);
    this.version = 0;
    this.sweepLater();
    return Promise.resolve();
  }

  /**
   * Revokes here at once, then in the store.
   *
   * @throws {AuthUnavailableError} when the store did not take it. Here it stays revoked.
   */
  async add(entries: readonly RevocationEntry[]): Promise<void> {
    // What happens to the first reading concerns those who check tokens.
    void this.start();
    this.apply(entries);
    if (this.store === null || this.store === undefined) return;
    try {
      await this.store.add(entries);
    } catch (cause) {
      const explanation = 'The store did not take a revocation. It holds in this process alone until it is made again';
      throw new AuthUnavailableError(explanation, this.parts.terms.refreshSeconds, { cause });
    }
  }

  /** Stops reading. What is known stays known, for requests that are still being answered. */
  close(): void {
    this.closed = true;
    this.parts.timer.clear();
    this.reading?.end();
    this.reading = null;
  }

  /** One reading, and the timer for the next. Never rejects. */
  private read(store: RevocationStore): Promise<void> {
    return new Promise((resolve) => {
      const reading: Reading = { startedAt: this.now(), end: resolve };
      this.reading = reading;
      void this.readPages(store, reading).then(
        (cursor) => {
          if (this.reading === reading) this.succeed(store, reading, cursor);
        },
        (error: unknown) => {
          if (this.reading === reading) this.fail(store, reading, problemOf(error));
        },
      );
    });
  }

  /** @returns where the next reading continues */
  private async readPages(store: RevocationStore, reading: Reading): Promise<string> {
    let { cursor } = this;
    let restarted = false;
    for (;;) {
      // Each page has its own time, as the first snapshot may be long.
      this.wait(patienceMs, () => {
        this.fail(store, reading, `it did not answer within ${patienceMs / 1_000} s`);
      });
      const page = cursor === null ? await store.snapshot() : await store.changesSince(cursor);
      if (this.reading !== reading) return '';
      if (page === null) {
        if (restarted) throw new UnreadablePage('it does not know the cursor of its own snapshot');
        restarted = true;
        cursor = null;
        continue;
      }
      checkPage(page);
      this.apply(page.entries);
      cursor = page.cursor;
      if (!page.hasMore) return cursor;
    }
  }

  private succeed(store: RevocationStore, reading: Reading, cursor: string): void {
    this.cursor = cursor;
    this.lastReadAt = reading.startedAt;
    this.lastProblem = 'it does not answer';
    if (!this.isAnswerable) this.version = this.changes += 1;
    this.outage.noteSuccess();
    this.sweep();
    this.finish(store, reading);
  }

  private fail(store: RevocationStore, reading: Reading, problem: string): void {
    this.lastProblem = problem;
    if (this.isStale()) this.suspend();
    this.finish(store, reading);
  }

  private finish(store: RevocationStore, { end }: Reading): void {
    this.reading = null;
    end();
    this.wait(this.parts.terms.refreshSeconds * 1_000, () => void this.read(store));
  }

  /** The store could not be read for `serveStaleForSeconds`, or never. */
  private suspend(): void {
    this.outage.noteFailure(this.lastProblem);
    if (this.parts.terms.onUnavailable === 'reject') this.version = Number.NaN;
  }

  private isStale(): boolean {
    return this.staleInMs() <= 0;
  }

  private staleInMs(): number {
    if (this.lastReadAt === null) return 0;
    return this.lastReadAt + this.parts.terms.serveStaleForSeconds * 1_000 - this.now();
  }

  /** Sets the one timer, and wakes up earlier where what is known becomes too old in the meantime. */
  private wait(delayMs: number, then: () => void): void {
    if (this.closed) return;
    const staleInMs = this.staleInMs();
    if (staleInMs <= 0 || staleInMs >= delayMs) {
      this.parts.timer.set(delayMs, then);
      return;
    }
    this.parts.timer.set(staleInMs, () => {
      this.suspend();
      this.parts.timer.set(delayMs - staleInMs, then);
    });
  }

  /** Without a store nothing is read, and only what has expired is dropped. */
  private sweepLater(): void {
    if (this.closed) return;
    this.parts.timer.set(sweepEveryMs, () => {
      this.sweep();
      this.sweepLater();
    });
  }

  private apply(entries: readonly RevocationEntry[]): void {
    if (!this.list.add(entries, this.now() / 1_000)) return;
    this.changes += 1;
    if (this.isAnswerable) this.version = this.changes;
    for (const listener of this.listeners) listener();
  }

  private sweep(): void {
    const now = this.now();
    if (Math.abs(now - this.sweptAt) < sweepEveryMs) return;
    this.sweptAt = now;
    this.list.sweep(now / 1_000);
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** The store gave something that is no page. Its message is ours. */
class UnreadablePage extends Error {}

/** A page is what the class of an app returned, or what somebody has written into a database. */
function checkPage({ entries, cursor }: RevocationPage): void {
  if (typeof cursor !== 'string' || !Array.isArray(entries) || !entries.every(isEntry)) {
    throw new UnreadablePage('it gave a page that holds something other than revocations');
  }
}

function isEntry(given: unknown): given is RevocationEntry {
  if (typeof given !== 'object' || given === null) return false;
  const { kind, issuer, value, issuedUntilSeconds, expiresAtSeconds }: Partial<RevocationEntry> = given;
  // A kind that a later version of this package writes is no fault: nothing here could match it.
  if (typeof kind !== 'string' || typeof issuer !== 'string' || typeof value !== 'string') return false;
  return isSeconds(expiresAtSeconds) && (issuedUntilSeconds === null || isSeconds(issuedUntilSeconds));
}

function isSeconds(given: unknown): boolean {
  return typeof given === 'number' && given >= 0 && given <= latestSeconds;
}

/** Whether something provided as a store has the methods of one. */
export function isRevocationStore(value: unknown): value is RevocationStore {
  if (typeof value !== 'object' || value === null) return false;
  return ['add', 'snapshot', 'changesSince'].every(
    (name) => typeof (value as Readonly<Record<string, unknown>>)[name] === 'function',
  );
}

/** For the log. What a store throws may repeat its address, and its password with it. */
function problemOf(error: unknown): string {
  if (error instanceof UnreadablePage) return error.message;
  return isAuthError(error) ? error.explanation : 'it failed';
}
