import { type FieldProblem, isRefusal, type RefusalCode, RefusalError } from '../errors/auth-error.js';
import { sentences } from '../errors/refusal-sentences.js';

/** The codes of an `AccountError`. */
export type AccountErrorCode = Extract<
  RefusalCode,
  | 'INVALID_INPUT'
  | 'NOT_FOUND'
  | 'WEAK_PASSWORD'
  | 'EMAIL_TAKEN'
  | 'USERNAME_TAKEN'
  | 'IDENTITY_TAKEN'
  | 'GROUP_EXISTS'
  | 'LAST_SIGN_IN_METHOD'
>;

/**
 * What was asked of an account or a group breaks a rule. A handler may let it pass: it is answered with the status of its code,
 * 400, 404 or 409. With `INVALID_INPUT`, `fields` states which member is wrong, and what is expected of it.
 */
export class AccountError extends RefusalError {
  declare readonly code: AccountErrorCode;

  /** @param explanation for the log; it repeats no address and no name */
  static because(
    code: Exclude<AccountErrorCode, 'INVALID_INPUT'>,
    explanation: string,
    message: string = sentences[code],
  ): AccountError {
    return new AccountError(code, null, message, explanation);
  }

  /** For members of the input that break a rule. */
  static fields(fields: readonly FieldProblem[]): AccountError {
    const explanation = fields.map(({ path, message }) => `${path}: ${message}`).join('; ');
    return new AccountError('INVALID_INPUT', null, sentences.INVALID_INPUT, explanation, { fields });
  }

  /** The rules of passwords and of lists are not those of accounts alone, so they refuse without this class. */
  static async during<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (error) {
      if (!isRefusal(error) || error instanceof AccountError) throw error;
      if (error.code === 'INVALID_INPUT') throw AccountError.fields(error.fields);
      if (error.code === 'WEAK_PASSWORD') throw AccountError.because(error.code, error.explanation, error.message);
      throw error;
    }
  }
}
