/** What a token source sees of a request, whatever carried it. */
export interface RequestView {
  /** Every value that came under a header's name, in order; the name in lower case. `[]` when none came. */
  headers(name: string): readonly string[];
}
