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
  readonly fix: string;

  constructor(path: string, problem: string, fix: string) {
    super(`${path}: ${problem}. ${fix}.`, `${path}: ${problem}`);
    this.path = path;
    this.fix = fix;
  }
}
