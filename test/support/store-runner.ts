import { describe, it as test } from 'vitest';
import type { TestRunner } from '../../src/testing/test-globals.js';
import { postgresMissing } from './postgres.js';

export { describe };

/** Starting PGlite takes seconds. */
const timeoutMs = 120_000;

export const it: TestRunner['it'] = (name, run) => test(name, run, timeoutMs);

/** Skips each test by its name, with the reason, where there is no PostgreSQL. */
export const onPostgres: TestRunner = {
  describe,
  it: (name, run) =>
    test(
      name,
      async (context) => {
        if (postgresMissing !== undefined) context.skip(postgresMissing);
        await run();
      },
      timeoutMs,
    ),
};
