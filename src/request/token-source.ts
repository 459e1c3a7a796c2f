import type { RequestView } from './request-view.js';

/** What a source found: a token, or a request that is not well formed. */
export type Found =
  | { readonly kind: 'token'; readonly token: string }
  /** RFC 6750 §3.1 `invalid_request`. `problem` is for the log and repeats nothing of the value. */
  | { readonly kind: 'malformed'; readonly problem: string };

/** One place where a request may send its access token. */
export interface TokenSource {
  /** The place, for the log: `Authorization: Bearer`. */
  readonly place: string;
  /** The place as an OpenAPI document can name it, when it is a header or a cookie that holds the bare token. */
  readonly parameter?: { readonly in: 'header' | 'cookie'; readonly name: string };
  /** Sources whose place this one reads as well, and understands more of; they are left out beside it. */
  readonly covers?: readonly TokenSource[];
  /** Everything that is there; `[]` when nothing is. */
  read(request: RequestView): readonly Found[];
  /**
   * What is wrong with a token for this place, by the place's grammar; `undefined` when nothing is. Asked before the token is
   * judged, and perhaps again when it is refused: what is said then counts for more than the refusal. Not asked
   * of a token that has passed before: reading all of its characters again would tell nothing new.
   */
  findFault?(token: string): string | undefined;
}

/** The sources of several presets as one list: none twice, and none beside one that covers it. */
export function mergeSources(sources: readonly TokenSource[]): readonly TokenSource[] {
  const covered = new Set(sources.flatMap((source) => source.covers ?? []));
  return [...new Set(sources)].filter((source) => !covered.has(source));
}

/** The sources of an app, as it was configured: for whoever documents where tokens go. */
export class TokenSources {
  constructor(readonly all: readonly TokenSource[]) {}
}
