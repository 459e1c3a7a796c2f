import type * as Library from 'cockatiel';
import type { IBackoff, RetryPolicy } from 'cockatiel';

import type { Clock } from '../clock/clock.js';
import { type BreakerState, CircuitBreaker, failuresToOpen } from './circuit-breaker.js';
import { isUpstreamFailure, toFailure, UpstreamFailure } from './upstream-failure.js';

const mostRepetitions = 2;
/** The mean delay of the first repetition; the delays grow, and each one is random. */
const firstDelayMs = 100;
const longestDelayMs = 1_000;

/** One attempt of a call, which may take so many milliseconds. */
type Attempt<Result> = (leftMs: number) => Promise<Result>;

type Cockatiel = typeof Library;

/**
 * Repeats failed calls when that is safe and the deadline allows it, and stops calling a provider that does not answer.
 * cockatiel, which repeats them, is loaded with the first call.
 */
export class CallPolicy {
  private readonly breaker: CircuitBreaker;

  constructor(
    private readonly host: string,
    private readonly timeoutMs: number,
    clock: Clock,
  ) {
    this.breaker = new CircuitBreaker(clock, isOutage);
  }

  get state(): BreakerState {
    return this.breaker.state;
  }

  /** @throws {UpstreamFailure} of the last attempt, or `circuit-open` when no attempt was made. */
  async run<Result>(attempt: Attempt<Result>, repeatable: boolean): Promise<Result> {
    const { breaker } = this;
    const deadline = performance.now() + this.timeoutMs;
    const leftMs = (): number => deadline - performance.now();
    const cockatiel = await import('cockatiel');
    let last: UpstreamFailure | undefined;
    const isWorthRepeating = (error: Error): boolean =>
      error === last && this.state === 'closed' && mayRepeat(last, repeatable) && statedDelayMs(last) < leftMs();
    return retrying(cockatiel, isWorthRepeating).execute(async () => {
      // The delay before this repetition may have used up the time.
      if (last !== undefined && leftMs() <= 0) throw last;
      if (breaker.isRefusing) throw last ?? this.refusal();
      try {
        return await breaker.run(() => attempt(leftMs()));
      } catch (error) {
        last = toFailure(error, this.host);
        throw last;
      }
    });
  }

  private refusal(): UpstreamFailure {
    const retryAfterSeconds = this.breaker.remainingMs() / 1_000;
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
function isOutage(error: unknown): boolean {
  if (!isUpstreamFailure(error)) return true;
  return error.problem === 'unreachable' || error.problem === 'status' || error.problem === 'timeout';
}
