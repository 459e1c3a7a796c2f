import type { Page } from '../configuration/list-page.js';
import { RefusalError } from '../errors/auth-error.js';
import { checkMembers, readJsonBody } from '../issuing/request-body.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import type { SessionItem, TokenAnswer } from './session.js';
import type { SessionCaller } from './session-caller.js';
import { refreshCookieSource } from './session-cookies.js';
import { readDeliveryChoice } from './session-delivery.js';
import type { SessionGate } from './session-gate.js';
import type { SessionLifecycle } from './session-lifecycle.js';
import type { SessionTerms } from './session-options.js';
import type { TokenDelivery } from './session-store.js';

/** The part of `SessionService` that answers requests. */
interface TokenResponses {
  deliver(session: Awaited<ReturnType<SessionLifecycle['refresh']>>, request: object, response: object): TokenAnswer;
  clear(request: object, response: object): void;
}

export interface SessionRequestsParts {
  readonly terms: SessionTerms;
  readonly lifecycle: SessionLifecycle;
  readonly responses: TokenResponses;
  readonly caller: SessionCaller;
  readonly gate: SessionGate;
}

/** A refresh token, and where the request has it. */
interface GivenRefreshToken {
  readonly text: string;
  readonly place: TokenDelivery;
}

/** The most refresh tokens of one request that are looked up when it signs out: duplicate cookies, and the body. */
const mostTokens = 2;

/** What the routes of sessions do with a request. */
export class SessionRequests {
  /** `null` where the app delivers no cookies: then it reads none either. */
  private readonly refreshCookie: TokenSource | null;

  constructor(private readonly parts: SessionRequestsParts) {
    const { delivery, cookies } = parts.terms;
    this.refreshCookie = delivery.includes('cookies') ? refreshCookieSource(cookies) : null;
  }

  async refresh(request: object, response: object): Promise<TokenAnswer> {
    const { lifecycle, responses, terms, gate } = this.parts;
    const view = gate.begin(request, response);
    const choice = readDeliveryChoice(view, terms.delivery);
    const given = this.refreshTokensOf(view, await readJsonBody(request));
    const [first, ...others] = given;
    if (first === undefined)
      throw RefusalError.of('MISSING_TOKEN', this.describeMissing(), 'A refresh token is required');
    const { text, place } = selectOne([first, ...others]);
    const session = await lifecycle.refresh(text, { place, choice });
    return responses.deliver(session, request, response);
  }

  async signOut(request: object, response: object): Promise<void> {
    const { lifecycle, responses, caller, gate } = this.parts;
    const view = gate.begin(request, response);
    const given = this.refreshTokensOf(view, await readJsonBody(request));
    const texts = [...new Set(given.map(({ text }) => text))].slice(0, mostTokens);
    const [byAccessToken, ...byRefreshTokens] = await Promise.all([
      caller.findSessionId(view),
      ...texts.map((text) => lifecycle.findByRefreshToken(text)),
    ]);
    const sessions = byRefreshTokens.filter((session) => session !== null);
    for (const session of sessions) await lifecycle.endFound(session, 'signed-out');
    // Usually both are of one session.
    if (byAccessToken !== null && sessions.every(({ id }) => id !== byAccessToken)) {
      await lifecycle.end(byAccessToken, 'signed-out');
    }
    responses.clear(request, response);
  }

  async signOutEverywhere(request: object, response: object): Promise<void> {
    const { lifecycle, responses, gate } = this.parts;
    const view = gate.begin(request, response);
    const user = await gate.require(view);
    const body = await readJsonBody(request);
    checkMembers(body, ['exceptThis']);
    const { exceptThis = false } = body;
    if (typeof exceptThis !== 'boolean') {
      throw RefusalError.input([{ path: 'exceptThis', message: 'true or false is expected' }]);
    }
    await lifecycle.endAll(user.id, exceptThis ? user.sessionId : null, 'signed-out');
    if (!exceptThis) responses.clear(request, response);
  }

  async list(request: object, response: object): Promise<Page<SessionItem>> {
    const { lifecycle, gate } = this.parts;
    const view = gate.begin(request, response);
    const { id, sessionId: currentSessionId } = await gate.require(view);
    return lifecycle.list(id, { ...readPart(request), currentSessionId });
  }

  async end(request: object, response: object, id: string): Promise<void> {
    const { lifecycle, responses, gate } = this.parts;
    const view = gate.begin(request, response);
    const user = await gate.require(view);
    if (!(await lifecycle.endOfUser(user.id, id))) {
      throw RefusalError.of('NOT_FOUND', 'The user has no session with this id that could be ended');
    }
    if (id === user.sessionId) responses.clear(request, response);
  }

  async me(request: object, response: object): Promise<{ user: object }> {
    const { gate } = this.parts;
    return { user: await gate.present(await gate.require(gate.begin(request, response))) };
  }

  /** Describes for the log where a refresh token was looked for. */
  private describeMissing(): string {
    const { delivery } = this.parts.terms;
    const places = [
      ...(this.refreshCookie === null ? [] : [`the ${this.refreshCookie.place}`]),
      ...(delivery.includes('body') ? ['refresh_token in the body'] : []),
    ];
    return `The request carries no refresh token. Looked in: ${places.join(', ')}`;
  }

  private refreshTokensOf(view: RequestView, body: Readonly<Record<string, unknown>>): readonly GivenRefreshToken[] {
    const cookies = (this.refreshCookie?.read(view) ?? []).flatMap((found) =>
      found.kind === 'token' ? [{ text: found.token, place: 'cookies' } as const] : [],
    );
    const text = body['refresh_token'];
    if (text === undefined || text === null || !this.parts.terms.delivery.includes('body')) return cookies;
    if (typeof text !== 'string') {
      throw RefusalError.input([{ path: 'refresh_token', message: 'a text is expected' }]);
    }
    return [...cookies, { text, place: 'body' }];
  }
}

/** @throws {RefusalError} for two tokens that differ: it is unknown which session is meant. */
function selectOne([first, ...others]: readonly [GivenRefreshToken, ...GivenRefreshToken[]]): GivenRefreshToken {
  if (others.every(({ text }) => text === first.text)) return first;
  throw RefusalError.of('INVALID_REQUEST', 'The request carries two different refresh tokens');
}

/** Reads `limit` and `cursor` of the query. What is wrong with their values is checked where they are used. */
function readPart(request: object): { readonly limit?: number; readonly cursor?: string } {
  const { query } = request as { readonly query?: Readonly<Record<string, unknown>> };
  const { limit, cursor } = query ?? {};
  return {
    ...(limit !== undefined && { limit: typeof limit === 'string' && limit !== '' ? Number(limit) : Number.NaN }),
    ...(cursor !== undefined && { cursor: typeof cursor === 'string' ? cursor : '' }),
  };
}
