import type * as Library from 'cockatiel';
import type { CircuitBreakerPolicy, IBackoff, RetryPolicy } from 'cockatiel';

import { toFailure, UpstreamFailure } from './upstream-failure.js';

/**
 * Whether a provider is called: `closed`, as usual; `open`, not at all for a while, as it did not answer several
 * times in a row; `half-open`, one call is trying whether it does again.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Failures in a row, repetitions counted, after which a provider is left alone. */
const failuresToOpen = 5;
/** How long it is left alone before one call tries again. */
const coolDownMs = 10_000;
const mostRepetitions = 2;
/** About how long the first repetition waits; the next ones wait longer, each by a chance of its own. */
const firstDelayMs = 100;
const longestDelayMs = 1_000;

/** One attempt at a call, which has so many milliseconds. */
type Attempt<Result> = (leftMs: number) => Promise<Result>;

type Cockatiel = typeof Library;

/**
 * How often a provider is called, and when not at all: what failed is repeated where that is safe and the time
 * suffices, and a provider that does not answer is left alone. cockatiel is loaded with the first call.
 */
export class CallPolicy {
  private loaded: { readonly cockatiel: Cockatiel; readonly breaker: CircuitBreakerPolicy } | undefined;
  private openedAt = 0;

  constructor(
    private readonly host: string,
    private readonly timeoutMs: number,
  ) {}

  get state(): BreakerState {
    if (this.loaded === undefined) return 'closed';
    const { breaker, cockatiel } = this.loaded;
    if (breaker.state === cockatiel.CircuitState.Closed) return 'closed';
    return breaker.state === cockatiel.CircuitState.HalfOpen ? 'half-open' : 'open';
  }

  /** @throws {UpstreamFailure} the last attempt's, or that there was none. */
  async run<Result>(attempt: Attempt<Result>, repeatable: boolean): Promise<Result> {
    const deadline = performance.now() + this.timeoutMs;
    const leftMs = (): number => deadline - performance.now();
    const { cockatiel, breaker } = await this.load();
    let last: UpstreamFailure | undefined;
    const isWorthRepeating = (error: Error): boolean =>
      error === last && this.state === 'closed' && mayRepeat(last, repeatable) && statedDelayMs(last) < leftMs();
    return retrying(cockatiel, isWorthRepeating).execute(async () => {
      // The waiting may have taken what time there was.
      if (last !== undefined && leftMs() <= 0) throw last;
      // Whoever comes while one call is trying is not kept waiting for what comes of it.
      if (this.state === 'half-open') throw this.refusal();
      try {
        return await breaker.execute(() => attempt(leftMs()));
      } catch (error) {
        if (cockatiel.isBrokenCircuitError(error)) throw last ?? this.refusal();
        last = toFailure(error, this.host);
        throw last;
      }
    });
  }

  private async load(): Promise<NonNullable<CallPolicy['loaded']>> {
    const cockatiel = await import('cockatiel');
    this.loaded ??= { cockatiel, breaker: this.breakerOf(cockatiel) };
    return this.loaded;
  }

  private breakerOf({ circuitBreaker, handleWhen, ConsecutiveBreaker }: Cockatiel): CircuitBreakerPolicy {
    const breaker = circuitBreaker(handleWhen(isOutage), {
      halfOpenAfter: coolDownMs,
      breaker: new ConsecutiveBreaker(failuresToOpen),
    });
    breaker.onBreak(() => {
      this.openedAt = Date.now();
    });
    return breaker;
  }

  private refusal(): UpstreamFailure {
    const retryAfterSeconds = Math.max(0, this.openedAt + coolDownMs - Date.now()) / 1_000;
    const message = `${this.host} did not answer ${failuresToOpen} times in a row, and is not called for a while`;
    return new UpstreamFailure('circuit-open', message, null, { retryAfterSeconds });
  }
}

function retrying(cockatiel: Cockatiel, isWorthRepeating: (error: Error) => boolean): RetryPolicy {
  const { retry, handleWhen, DelegateBackoff, ExponentialBackoff } = cockatiel;
  const jittered = new ExponentialBackoff({ initialDelay: firstDelayMs, maxDelay: longestDelayMs });
  const backoff = new DelegateBackoff<{ readonly result: object }, IBackoff<unknown>>(({ result }, before) => {
    const state = before === undefined ? jittered.next() : before.next(undefined);
    const stated = 'error' in result && result.error instanceof UpstreamFailure ? statedDelayMs(result.error) : 0;
    return { delay: Math.max(stated, state.duration), state };
  });
  return retry(handleWhen(isWorthRepeating), { maxAttempts: mostRepetitions, backoff });
}

/** What the provider has asked to wait. */
function statedDelayMs({ retryAfterSeconds }: UpstreamFailure): number {
  return (retryAfterSeconds ?? 0) * 1_000;
}

/** 429 says that nothing was done; of the others anonymousCaller knows. What came whole and was wrong comes the same again. */
function mayRepeat({ problem }: UpstreamFailure, repeatable: boolean): boolean {
  return problem === 'rate-limited' || (repeatable && (problem === 'unreachable' || problem === 'status'));
}

/** Whether a failure says that the provider is in trouble; one user's profile that is too long does not. */
function isOutage(error: Error): boolean {
  if (!(error instanceof UpstreamFailure)) return true;
  return error.problem === 'unreachable' || error.problem === 'status' || error.problem === 'timeout';
}
