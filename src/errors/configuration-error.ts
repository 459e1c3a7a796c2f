import { AuthError } from './auth-error.js';

/**
 * An option is wrong. Thrown by the preset or by `AuthModule` when the app starts, never at a request;
 * `message` names the option's path, what is wrong with it and what to write instead.
 */
export class ConfigurationError extends AuthError {
  override readonly code = 'CONFIGURATION_ERROR';
  /** Which option, as it is written in code: `oidc({ audience })`. */
  readonly path: string;
  /** What to write instead, without a full stop. */
  readonly mend: string;

  constructor(path: string, problem: string, mend: string) {
    super(`${path}: ${problem}. ${mend}.`, `${path}: ${problem}`);
    this.path = path;
    this.mend = mend;
  }
}
