/** How a call that we made failed. */
export type UpstreamProblem =
  | 'unreachable'
  | 'timeout'
  | 'status'
  | 'redirect'
  | 'too-large'
  | 'content-type'
  | 'not-json'
  | 'unexpected';

/**
 * A call to an issuer or a provider that did not bring what was asked for. Its message names the host and
 * the kind of trouble, and repeats nothing that the other side sent.
 */
export class UpstreamFailure extends Error {
  override readonly name = 'UpstreamFailure';

  constructor(
    readonly problem: UpstreamProblem,
    message: string,
    /** The status that came, when one came. */
    readonly status: number | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
