/** Why a call to an issuer or a provider failed. */
export type UpstreamProblem =
  | 'unreachable'
  | 'timeout'
  | 'status'
  | 'redirect'
  | 'too-large'
  | 'content-type'
  | 'not-json'
  /** The server limits the rate of calls (429), and the call could not wait for so long. */
  | 'rate-limited'
  /** All connections to the server were in use by other calls of this app, and the call had no turn in time. */
  | 'congested'
  /** The server was not called, because its last calls have failed. */
  | 'circuit-open'
  | 'unexpected';

interface UpstreamFailureOptions extends ErrorOptions {
  readonly retryAfterSeconds?: number | undefined;
}

// A registered symbol, so that a failure that a second copy of the package has thrown is recognized.
const brand = Symbol.for('nest-gatehouse.upstream-failure');

/**
 * A call to an issuer or a provider failed. The message names the host and the kind of problem, and repeats nothing that
 * the server sent.
 */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  /** Seconds after which the next call makes sense; `null` when that is unknown. */
  readonly retryAfterSeconds: number | null;

  constructor(
    readonly problem: UpstreamProblem,
    message: string,
    /** The status of the answer; `null` when there was none. */
    readonly status: number | null = null,
    { retryAfterSeconds, ...options }: UpstreamFailureOptions = {},
  ) {
    super(message, options);
    this.retryAfterSeconds = retryAfterSeconds ?? null;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Whether something that was thrown is an `UpstreamFailure`, of any loaded copy of the package. */
export function isUpstreamFailure(error: unknown): error is UpstreamFailure {
  return typeof error === 'object' && error !== null && brand in error;
}

/** Converts what a call threw into an `UpstreamFailure`. */
export function toFailure(error: unknown, host: string): UpstreamFailure {
  if (isUpstreamFailure(error)) return error;
  const code = codeOf(error);
  // An error of the HTTP parser carries the bytes that it failed on, and a log of the cause would show them.
  const options = code.startsWith('HPE_') ? {} : { cause: error };
  return new UpstreamFailure('unreachable', `${host} cannot be reached${code && ` (${code})`}`, null, options);
}

/** The system's code of an error (ECONNREFUSED, …), which repeats nothing that was sent. */
function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : '';
}
