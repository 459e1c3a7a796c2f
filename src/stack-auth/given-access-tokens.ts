import { issuersOf, type StackAuthProject } from '../issuers/stack-auth/stack-auth-api.js';
import { readStackAuthClaims } from '../issuers/stack-auth/stack-auth-claims.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';

/** The most access tokens of one request that are looked at: each place of a request may have another one. */
const mostTokens = 4;

/** Reads the access tokens of requests. Stack Auth verifies them; here it is only decided which are sent to it. */
export class GivenAccessTokens {
  private readonly issuers: ReadonlySet<string>;

  /** @param sources where the app reads access tokens, those of other issuers as well */
  constructor(
    private readonly sources: readonly TokenSource[],
    project: Pick<StackAuthProject, 'baseUrl' | 'projectId'>,
  ) {
    this.issuers = new Set(issuersOf(project).map(({ issuer }) => issuer));
  }

  /** All tokens of users of the project: a server that gets the token of another issuer could use it. A malformed header, or two different tokens, are no reason to refuse the request here. */
  all(view: RequestView): readonly string[] {
    const found = this.sources.flatMap((source) => source.read(view));
    const texts = new Set(found.flatMap((one) => (one.kind === 'token' ? [one.token] : [])));
    return [...texts].filter((text) => this.issuers.has(readStackAuthClaims(text)?.issuer ?? '')).slice(0, mostTokens);
  }

  /** The token of the anonymous user who makes the request, expired or not; `null` for anybody else. */
  findGuest(view: RequestView): string | null {
    return this.all(view).find((text) => readStackAuthClaims(text)?.isAnonymous === true) ?? null;
  }
}
