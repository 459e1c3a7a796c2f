/** `KeyHealth` fits into `HealthCheckService.check()` of @nestjs/terminus, whose types are not among ours: 11 and 12 alike. */
import type { KeyHealth } from 'nest-gatehouse';
import { describe, expectTypeOf, it } from 'vitest';

/** `HealthIndicatorResult` as terminus 11.1 and 12.1 have it; 12 adds `degraded` to what may come. */
type HealthIndicatorResult = Record<string, { status: 'up' | 'down' } & Record<string, unknown>>;

type HealthIndicatorFunction = () => PromiseLike<HealthIndicatorResult> | HealthIndicatorResult;

describe('KeyHealth', () => {
  it('gives what terminus takes of an indicator', () => {
    expectTypeOf<() => ReturnType<KeyHealth['isHealthy']>>().toExtend<HealthIndicatorFunction>();
  });
});
