import { expect } from 'vitest';
import { UpstreamFailure } from '../../../src/upstream/upstream-failure.js';

/** The failure of a call that must fail, and fail as the client says it does. */
export async function failureOf(call: Promise<unknown>): Promise<UpstreamFailure> {
  const outcome: unknown = await call.then(
    () => 'no failure',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(UpstreamFailure);
  return outcome as UpstreamFailure;
}
