import { RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import { refreshCookieSource } from './session-cookies.js';
import type { SessionTerms } from './session-options.js';
import type { TokenDelivery } from './session-store.js';

/** A refresh token, and where the request has it. */
export interface GivenRefreshToken {
  readonly text: string;
  readonly place: TokenDelivery;
}

/** The most refresh tokens of one request that are looked up when it signs out: duplicate cookies, and the body. */
const mostTokens = 2;

/** Reads the refresh tokens of requests: from the refresh cookie, and as `refresh_token` from the body. */
export class GivenRefreshTokens {
  /** `null` where the app delivers no cookies: then it reads none either. */
  private readonly cookie: TokenSource | null;

  constructor(private readonly terms: Pick<SessionTerms, 'delivery' | 'cookies'>) {
    const { delivery, cookies } = terms;
    this.cookie = delivery.includes('cookies') ? refreshCookieSource(cookies) : null;
  }

  /**
   * The one refresh token of a request.
   *
   * @throws {RefusalError} `MISSING_TOKEN` for none, and `INVALID_REQUEST` for two that differ: it is unknown which session is meant.
   */
  require(view: RequestView, body: Readonly<Record<string, unknown>>): GivenRefreshToken {
    const [first, ...others] = this.read(view, body);
    if (first === undefined) {
      throw RefusalError.of('MISSING_TOKEN', this.describeMissing(), 'A refresh token is required');
    }
    if (others.every(({ text }) => text === first.text)) return first;
    throw RefusalError.of('INVALID_REQUEST', 'The request carries two different refresh tokens');
  }

  /** The refresh tokens of a request that signs out, each once. */
  texts(view: RequestView, body: Readonly<Record<string, unknown>>): readonly string[] {
    return [...new Set(this.read(view, body).map(({ text }) => text))].slice(0, mostTokens);
  }

  private read(view: RequestView, body: Readonly<Record<string, unknown>>): readonly GivenRefreshToken[] {
    const cookies = (this.cookie?.read(view) ?? []).flatMap((found) =>
      found.kind === 'token' ? [{ text: found.token, place: 'cookies' } as const] : [],
    );
    const text = body['refresh_token'];
    if (text === undefined || text === null || !this.terms.delivery.includes('body')) return cookies;
    if (typeof text !== 'string') {
      throw RefusalError.input([{ path: 'refresh_token', message: 'a text is expected' }]);
    }
    return [...cookies, { text, place: 'body' }];
  }

  /** Describes for the log where a refresh token was looked for. */
  private describeMissing(): string {
    const places = [
      ...(this.cookie === null ? [] : [`the ${this.cookie.place}`]),
      ...(this.terms.delivery.includes('body') ? ['refresh_token in the body'] : []),
    ];
    return `The request carries no refresh token. Looked in: ${places.join(', ')}`;
  }
}
