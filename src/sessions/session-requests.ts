import type { Page } from '../configuration/list-page.js';
import { RefusalError } from '../errors/auth-error.js';
import { checkMembers, readJsonBody } from '../issuing/request-body.js';
import { GivenRefreshTokens } from './given-refresh-tokens.js';
import type { SessionItem, TokenAnswer } from './session.js';
import type { SessionCaller } from './session-caller.js';
import { readDeliveryChoice } from './session-delivery.js';
import type { SessionGate } from './session-gate.js';
import type { SessionLifecycle } from './session-lifecycle.js';
import type { SessionTerms } from './session-options.js';

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

/** What the routes of sessions do with a request. */
export class SessionRequests {
  private readonly refreshTokens: GivenRefreshTokens;

  constructor(private readonly parts: SessionRequestsParts) {
    this.refreshTokens = new GivenRefreshTokens(parts.terms);
  }

  async refresh(request: object, response: object): Promise<TokenAnswer> {
    const { lifecycle, responses, terms, gate } = this.parts;
    const view = gate.begin(request, response);
    const choice = readDeliveryChoice(view, terms.delivery);
    const { text, place } = this.refreshTokens.require(view, await readJsonBody(request));
    const session = await lifecycle.refresh(text, { place, choice });
    return responses.deliver(session, request, response);
  }

  async signOut(request: object, response: object): Promise<void> {
    const { lifecycle, responses, caller, gate } = this.parts;
    const view = gate.begin(request, response);
    const texts = this.refreshTokens.texts(view, await readJsonBody(request));
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
