import type { IncomingMessage } from 'node:http';

import { type Clock, readMilliseconds } from '../clock/clock.js';
import { AuthUnavailableError, isAuthError, isRefusal, RefusalError } from '../errors/auth-error.js';
import { readFormBody } from '../issuing/form-body.js';
import { checkMembers, hasMediaType, readJsonBody } from '../issuing/request-body.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { SessionService } from '../sessions/session.service.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import type { JsonObject } from '../token/json-object.js';
import type { BackChannelLogouts } from './back-channel-logouts.js';
import {
  fromBody,
  fromForm,
  fromQuery,
  isRefusalOfTheApp,
  type LoginAnswer,
  readQuery,
  reportLoginFailure,
  toLoginErrorCode,
  withOutcome,
} from './login-answers.js';
import type { AttemptPlace, LoginAttempt, LoginAttempts, LoginPlan } from './login-attempts.js';
import type { LoginFlow } from './login-flow.js';
import type { ProviderClient } from './provider-client.js';
import type { ReturnAddresses } from './return-addresses.js';

export interface LoginRequestsParts {
  readonly gate: SessionGate;
  readonly sessions: SessionService;
  readonly flow: LoginFlow;
  readonly attempts: LoginAttempts;
  readonly logouts: BackChannelLogouts;
  readonly addresses: ReturnAddresses;
  readonly clients: ReadonlyMap<string, ProviderClient>;
  readonly clock: Clock;
  readonly report: ReportEvent;
  /** The address at which a provider calls the app back. */
  readonly callbackUrl: (provider: string) => string;
  /** Sends the browser to another address. */
  readonly redirect: (response: object, url: string) => void;
  readonly setStatus: (response: object, status: number) => void;
}

/** A request as the framework has it, its response, and the form of it that all transports share. */
interface Exchange {
  readonly request: object;
  readonly response: object;
  readonly view: RequestView;
}

/** What the routes of logins do with a request. */
export class LoginRequests {
  constructor(private readonly parts: LoginRequestsParts) {}

  /** `GET /auth/login/:provider` */
  async startByLink(request: object, response: object, provider: string): Promise<void> {
    const { gate, addresses, redirect } = this.parts;
    const view = gate.begin(request, response);
    const client = this.getClient(provider);
    if (!gate.hasCookies)
      throw RefusalError.of('NOT_FOUND', 'The app delivers no cookies, so a page cannot begin a login by a link');
    const returnTo = addresses.resolvePage(readOne(readQuery(view).getAll('returnTo')));
    const plan = { redirectUri: this.parts.callbackUrl(client.id), returnTo, link: false };
    const { url } = await this.begin(client, plan, { view, response, inCookie: true });
    redirect(response, url);
  }

  /** `POST /auth/login/:provider` */
  async start(request: object, response: object, provider: string): Promise<{ url: string; attempt?: string }> {
    const { gate, clock } = this.parts;
    const view = gate.beginSignIn(request, response);
    const client = this.getClient(provider);
    const body = await readJsonBody(request);
    checkMembers(body, ['returnTo', 'redirectUri', 'link']);
    const link = readLink(body);
    if (link) await gate.requireRecent(view, readMilliseconds(clock));
    const inCookie = gate.deliversCookies(view);
    const plan = { ...this.readPlan(body, client, inCookie), link };
    const { url, sealed } = await this.begin(client, plan, { view, response, inCookie });
    return { url, ...(sealed !== null && { attempt: sealed }) };
  }

  /** `GET /auth/callback/:provider` */
  async callbackByLink(request: object, response: object, provider: string): Promise<void> {
    const view = this.parts.gate.begin(request, response);
    const read = (): Promise<LoginAnswer> => Promise.resolve(fromQuery(readQuery(view)));
    await this.answerBrowser(this.getClient(provider), read, { request, response, view });
  }

  /** `POST /auth/callback/:provider`: from a frontend as JSON, or from the page of a provider as a form. */
  async callback(request: object, response: object, provider: string): Promise<TokenAnswer | undefined> {
    const { gate } = this.parts;
    const client = this.findClient(provider);
    if (client?.responseMode !== 'form_post' || !isForm(request))
      return await this.answerClient(request, response, provider);
    // Of another origin by its nature. That the login began in this browser is shown by the cookie of its state.
    const view = gate.beginFromAnywhere(request, response);
    const read = async (): Promise<LoginAnswer> => fromForm(await readFormBody(request));
    await this.answerBrowser(client, read, { request, response, view }, true);
    return undefined;
  }

  /** `POST /auth/back-channel-logout/:provider` */
  async backChannelLogout(request: object, response: object, provider: string): Promise<JsonObject | undefined> {
    const { gate, logouts, setStatus } = this.parts;
    gate.beginFromAnywhere(request, response);
    const client = this.getClient(provider);
    try {
      const tokens = (await readFormBody(request)).get('logout_token') ?? [];
      const [token] = tokens;
      if (token === undefined || tokens.length !== 1)
        throw RefusalError.of('INVALID_REQUEST', 'One logout_token is expected');
      await logouts.end(client, token);
      return undefined;
    } catch (error) {
      if (!isRefusal(error) || error.code === 'NOT_FOUND') throw error;
      // OpenID Connect Back-Channel Logout 1.0 §2.8.
      this.reportFailure(`POST back-channel-logout of ${client.id}`, error);
      setStatus(response, 400);
      return { error: 'invalid_request', error_description: 'The logout token is not accepted' };
    }
  }

  private getClient(provider: string): ProviderClient {
    const client = this.findClient(provider);
    if (client !== undefined) return client;
    throw RefusalError.of('NOT_FOUND', 'LoginModule.forRoot({ providers }) has no provider of this id');
  }

  /** Providers compare the address of the callback exactly, and people do not write addresses exactly. */
  private findClient(provider: string): ProviderClient | undefined {
    const name = provider.toLowerCase();
    return [...this.parts.clients.values()].find(({ id }) => id.toLowerCase() === name);
  }

  private async begin(
    client: ProviderClient,
    plan: Omit<LoginPlan, 'provider' | 'session'>,
    { view, response, inCookie }: Pick<Exchange, 'view' | 'response'> & { readonly inCookie: boolean },
  ): Promise<{ readonly url: string; readonly sealed: string | null }> {
    const { gate, flow } = this.parts;
    const sessionId = await gate.findSessionId(view);
    const userId = sessionId === null ? null : await gate.findUserIdOf(sessionId);
    const session = sessionId === null || userId === null ? null : { id: sessionId, userId };
    // A form of another site comes with no cookie that is Lax.
    const sameSite = client.responseMode === 'form_post' ? 'None' : 'Lax';
    const place: AttemptPlace = inCookie ? { in: 'cookie', view, response, sameSite } : { in: 'body' };
    return await flow.begin(client, { ...plan, session }, place);
  }

  private readPlan(
    body: JsonObject,
    client: ProviderClient,
    inCookie: boolean,
  ): Pick<LoginPlan, 'redirectUri' | 'returnTo'> {
    const { addresses, callbackUrl } = this.parts;
    const { redirectUri, returnTo } = body;
    if (redirectUri === undefined || redirectUri === null) {
      if (!inCookie) {
        throw RefusalError.input([
          { path: 'redirectUri', message: 'it is missing: a client without cookies is called back itself' },
        ]);
      }
      return { redirectUri: callbackUrl(client.id), returnTo: addresses.resolvePage(returnTo) };
    }
    if (returnTo !== undefined && returnTo !== null) {
      throw RefusalError.input([{ path: 'returnTo', message: 'it has no meaning together with redirectUri' }]);
    }
    if (client.responseMode === 'form_post') {
      throw RefusalError.input([
        { path: 'redirectUri', message: 'this provider calls back with a form, which a page cannot read' },
      ]);
    }
    return { redirectUri: addresses.resolveCallback(redirectUri), returnTo: null };
  }

  /** Ends a login in a browser: it is sent to a page in any case, which learns what has failed. */
  private async answerBrowser(
    client: ProviderClient,
    read: () => Promise<LoginAnswer>,
    { request, response, view }: Exchange,
    isForm = false,
  ): Promise<void> {
    const { attempts, flow, sessions, addresses, redirect, callbackUrl } = this.parts;
    let page = addresses.first;
    try {
      const answer = await readAnswer(read);
      const attempt = attempts.find({ provider: client.id, state: answer.state, view, sealed: null });
      page = attempt.returnTo ?? page;
      checkCalledBackAt(attempt, callbackUrl(client.id));
      await attempts.use(attempt, response);
      const answered = { request, view, delivery: 'cookies', isForm } as const;
      const { session, isNewUser } = await flow.complete(client, attempt, answer, answered);
      sessions.deliver(session, request, response);
      redirect(response, withOutcome(page ?? '', isNewUser ? { new: '1' } : {}));
    } catch (error) {
      if (page === null) throw error;
      this.reportFailure(`The callback of ${client.id}`, error);
      redirect(response, withOutcome(page, { error: toLoginErrorCode(error) }));
    }
  }

  /** Ends a login for a frontend that was called back itself. */
  private async answerClient(request: object, response: object, provider: string): Promise<TokenAnswer> {
    const { gate, attempts, flow, sessions } = this.parts;
    const view = gate.beginSignIn(request, response);
    const client = this.getClient(provider);
    const { answer, sealed } = fromBody(await readJsonBody(request));
    const attempt = attempts.find({ provider: client.id, state: answer.state, view, sealed });
    await attempts.use(attempt, sealed === null ? response : null);
    try {
      const { session } = await flow.complete(client, attempt, answer, { request, view });
      return sessions.deliver(session, request, response);
    } catch (error) {
      if (isAuthError(error) || isRefusalOfTheApp(error)) throw error;
      this.reportFailure(`POST callback of ${client.id}`, error);
      throw new AuthUnavailableError('A function of the app threw during a login', undefined, { cause: error });
    }
  }

  /** Writes to the log what the answer does not say: it is a redirect, or tells nothing of what a function of the app has thrown. */
  private reportFailure(handler: string, error: unknown): void {
    reportLoginFailure(this.parts.report, handler, error);
  }
}

/** @throws {RefusalError} `LOGIN_STATE` for a form that cannot be read: it has no state */
async function readAnswer(read: () => Promise<LoginAnswer>): Promise<LoginAnswer> {
  try {
    return await read();
  } catch (error) {
    if (isRefusal(error)) throw RefusalError.of('LOGIN_STATE', error.explanation);
    throw error;
  }
}

/** One value; a list, which no reader takes, of several. */
function readOne(values: readonly string[]): unknown {
  return values.length > 1 ? values : values[0];
}

/** Whether the body is a form, which only the page of a provider sends. */
function isForm(request: object): boolean {
  const { raw } = request as { readonly raw?: IncomingMessage };
  return hasMediaType(raw ?? (request as IncomingMessage), 'application/x-www-form-urlencoded');
}

function readLink({ link }: JsonObject): boolean {
  const given = link ?? false;
  if (typeof given === 'boolean') return given;
  throw RefusalError.input([{ path: 'link', message: 'true or false is expected' }]);
}

/** @throws {RefusalError} for a login whose answer was meant for a frontend: a code that was sent elsewhere must not be used here */
function checkCalledBackAt({ redirectUri }: LoginAttempt, callbackUrl: string): void {
  if (redirectUri === callbackUrl) return;
  throw RefusalError.of('LOGIN_STATE', 'The login began for another address than the one that was called back');
}
