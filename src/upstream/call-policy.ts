import type * as Library from 'cockatiel';
import type { CircuitBreakerPolicy, IBackoff, RetryPolicy } from 'cockatiel';

import { isUpstreamFailure, toFailure, UpstreamFailure } from './upstream-failure.js';

/**
 * Whether a provider is called: `closed`, it is; `open`, it is not for some seconds, because it failed to answer several
 * times in a row; `half-open`, one call tests whether it answers again.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Failures in a row, repetitions included, after which the breaker opens. */
const failuresToOpen = 5;
/** How long the breaker stays open before one call tests the provider. */
const coolDownMs = 10_000;
const mostRepetitions = 2;
/** The mean delay of the first repetition; the delays grow, and each one is random. */
const firstDelayMs = 100;
const longestDelayMs = 1_000;

/** One attempt of a call, which may take so many milliseconds. */
type Attempt<Result> = (leftMs: number) => Promise<Result>;

type Cockatiel = typeof Library;

/**
 * Repeats failed calls when that is safe and the deadline allows it, and stops calling a provider that does not answer
 * (circuit breaker). cockatiel is loaded with the first call.
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

  /** @throws {UpstreamFailure} of the last attempt, or `circuit-open` when no attempt was made. */
  async run<Result>(attempt: Attempt<Result>, repeatable: boolean): Promise<Result> {
    const deadline = performance.now() + this.timeoutMs;
    const leftMs = (): number => deadline - performance.now();
    const { cockatiel, breaker } = await this.load();
    let last: UpstreamFailure | undefined;
    const isWorthRepeating = (error: Error): boolean =>
      error === last && this.state === 'closed' && mayRepeat(last, repeatable) && statedDelayMs(last) < leftMs();
    return retrying(cockatiel, isWorthRepeating).execute(async () => {
      // The delay before this repetition may have used up the time.
      if (last !== undefined && leftMs() <= 0) throw last;
      // Other calls do not wait for the outcome of the one that tests the provider.
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
    const stated = 'error' in result && isUpstreamFailure(result.error) ? statedDelayMs(result.error) : 0;
    return { delay: Math.max(stated, state.duration), state };
  });
  return retry(handleWhen(isWorthRepeating), { maxAttempts: mostRepetitions, backoff });
}

/** The delay that the provider has asked for. */
function statedDelayMs({ retryAfterSeconds }: UpstreamFailure): number {
  return (retryAfterSeconds ?? 0) * 1_000;
}

/** A 429 means that nothing was done; other failures do not tell. A complete but wrong answer would be the same again. */
function mayRepeat({ problem }: UpstreamFailure, repeatable: boolean): boolean {
  return problem === 'rate-limited' || (repeatable && (problem === 'unreachable' || problem === 'status'));
}

/** Whether a failure indicates an outage of the provider; a single answer that is too large does not. */
function isOutage(error: Error): boolean {
  if (!isUpstreamFailure(error)) return true;
  return error.problem === 'unreachable' || error.problem === 'status' || error.problem === 'timeout';
}
