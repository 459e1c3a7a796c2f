/** How a call that we made failed. */
export type UpstreamProblem =
  | 'unreachable'
  | 'timeout'
  | 'status'
  | 'redirect'
  | 'too-large'
  | 'content-type'
  | 'not-json'
  /** The provider wants fewer calls (429), for longer than this one could wait. */
  | 'rate-limited'
  /** It was not called at all, as it has not answered before. */
  | 'circuit-open'
  | 'unexpected';

interface UpstreamFailureOptions extends ErrorOptions {
  readonly retryAfterSeconds?: number | undefined;
}

/**
 * A call to an issuer or a provider that did not bring what was asked for. Its message names the host and
 * the kind of trouble, and repeats nothing that the other side sent.
 */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';
  /** Seconds after which asking again makes sense, where that is known. */
  readonly retryAfterSeconds: number | null;

  constructor(
    readonly problem: UpstreamProblem,
    message: string,
    /** The status that came, when one came. */
    readonly status: number | null = null,
    { retryAfterSeconds, ...options }: UpstreamFailureOptions = {},
  ) {
    super(message, options);
    this.retryAfterSeconds = retryAfterSeconds ?? null;
  }
}

/** What a call threw, as the failure that it is. */
export function toFailure(error: unknown, host: string): UpstreamFailure {
  if (error instanceof UpstreamFailure) return error;
  const code = codeOf(error);
  // The HTTP parser's error carries the bytes that it failed on, and whoever logs a cause would log them.
  const options = code.startsWith('HPE_') ? {} : { cause: error };
  return new UpstreamFailure('unreachable', `${host} cannot be reached${code && ` (${code})`}`, null, options);
}

/** The system's short name of the trouble (ECONNREFUSED, …), which repeats nothing that was sent. */
function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : undefined;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : '';
}
