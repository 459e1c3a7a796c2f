import { QueryFailedError } from 'typeorm';

/** SQLSTATE (PostgreSQL Appendix A): a foreign key or a unique index. */
const violations = ['23503', '23505'];

/**
 * Runs statements that a constraint may refuse.
 *
 * @returns the name of the constraint that did; `null` when they were run
 */
export async function findViolatedConstraint(run: () => Promise<unknown>): Promise<string | null> {
  try {
    await run();
    return null;
  } catch (error) {
    if (!(error instanceof QueryFailedError)) throw error;
    const { code = '', constraint } = error.driverError as { readonly code?: string; readonly constraint?: string };
    if (constraint === undefined || !violations.includes(code)) throw error;
    return constraint;
  }
}
