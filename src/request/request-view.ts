/** What token sources see of a request, whatever carried it. */
export interface RequestView {
  /**
   * The transport's own request object: the same for everybody who looks at the same request, and never one that
   * several requests share (a connection, a socket), as what came of one request is kept by it.
   */
  readonly request: object;
  /** Every value that came under a header's name, in order; the name in lower case. `[]` when none came. */
  headers(name: string): readonly string[];
  /** For the log: what came with the request and is left out of `headers`, and why; `undefined` for nothing. */
  leftOut?(): string | undefined;
}
