import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { Page } from '../configuration/list-page.js';
import { RefusalError } from '../errors/auth-error.js';
import { checkMembers, readJsonBody } from '../issuing/request-body.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { SessionUser } from '../sessions/session-caller.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { SessionService } from '../sessions/session.service.js';
import type { JsonObject } from '../token/json-object.js';
import { AccountError } from './account-error.js';
import type { AccountIdentity } from './account.js';
import type { AccountTerms } from './account-options.js';
import type { AccountPasswords } from './account-passwords.js';
import type { AccountSignIns } from './account-sign-ins.js';
import type { AccountService, NewAccount } from './account.service.js';
import type { GuessingLimits } from './guessing-limits.js';

export interface AccountRequestsParts {
  readonly terms: AccountTerms;
  readonly gate: SessionGate;
  readonly sessions: SessionService;
  readonly accounts: AccountService;
  readonly signIns: AccountSignIns;
  readonly passwords: AccountPasswords;
  readonly findLimits: () => GuessingLimits;
  readonly clock: Clock;
}

const profileMembers = ['name', 'givenName', 'familyName', 'pictureUrl'] as const;
const signUpMembers = ['email', 'password', 'username', ...profileMembers] as const;

/** What the routes of accounts do with a request. */
export class AccountRequests {
  constructor(private readonly parts: AccountRequestsParts) {}

  async signUp(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, accounts, signIns } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.signUp !== false && terms.minPasswordLength !== null, 'signUp');
    const body = await readJsonBody(request);
    checkMembers(body, [...signUpMembers]);
    checkRequired(body, ['email', 'password']);
    await this.parts.findLimits().takeNewAccount('sign-up', networkOf(view));
    const guest = await this.findGuest(view);
    // The service checks what the members are.
    const given = body as NewAccount;
    const account = guest === null ? await accounts.create(given) : await signIns.upgrade(guest.id, given);
    return await this.start(account.id, request, response, { amr: ['pwd'], isNewUser: true });
  }

  async signIn(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, passwords } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.minPasswordLength !== null, 'password');
    const body = await readJsonBody(request);
    checkMembers(body, ['email', 'username', 'password', 'remember']);
    const { remember = true } = body;
    const login = readLogin(body);
    const password = readText(body, 'password');
    if (typeof remember !== 'boolean') {
      throw RefusalError.input([{ path: 'remember', message: 'true or false is expected' }]);
    }
    const network = networkOf(view);
    const found = await passwords.find(login);
    const attempt = await this.parts.findLimits().begin(found?.id ?? passwords.keyOf(login), network);
    let account;
    try {
      account = await passwords.check(found, password, network);
    } catch (error) {
      // Nothing was learned about the password.
      await attempt.giveBack();
      throw error;
    }
    if (account === null) throw RefusalError.of('INVALID_CREDENTIALS', describeRefusal(found));
    await attempt.giveBack();
    await this.parts.findLimits().noteSignIn(account.id, network);
    return await this.start(account.id, request, response, { amr: ['pwd'], remember });
  }

  async anonymous(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, signIns } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.anonymous, 'anonymous');
    checkMembers(await readJsonBody(request), []);
    await this.parts.findLimits().takeNewAccount('anonymous', networkOf(view));
    const account = await signIns.createGuest();
    return await this.start(account.id, request, response, { amr: [], isNewUser: true });
  }

  async changePassword(request: object, response: object): Promise<void> {
    const { terms, gate, accounts, passwords } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.minPasswordLength !== null, 'password');
    const user = await gate.require(view);
    const body = await readJsonBody(request);
    checkMembers(body, ['currentPassword', 'password']);
    const password = readText(body, 'password');
    const found = await passwords.findById(user.id);
    if (found?.credentials.passwordHash === undefined) {
      // A first password is a further way to sign in.
      await gate.requireRecent(view, this.now());
    } else {
      await this.checkCurrentPassword(view, user, readText(body, 'currentPassword'));
    }
    await accounts.setPassword(user.id, password, { exceptSessionId: user.sessionId });
  }

  async update(request: object, response: object): Promise<{ user: object }> {
    const { gate, accounts } = this.parts;
    const user = await gate.require(gate.begin(request, response));
    const body = await readJsonBody(request);
    checkMembers(body, [...profileMembers]);
    await accounts.update(user.id, body);
    return { user: await gate.present(user) };
  }

  async delete(request: object, response: object): Promise<void> {
    const { gate, accounts, sessions } = this.parts;
    const user = await gate.requireRecent(gate.begin(request, response), this.now());
    checkMembers(await readJsonBody(request), []);
    await accounts.delete(user.id);
    sessions.clear(request, response);
  }

  async listIdentities(request: object, response: object): Promise<Page<AccountIdentity>> {
    const { gate, accounts } = this.parts;
    const user = await gate.require(gate.begin(request, response));
    return { items: await accounts.identities(user.id), nextCursor: null };
  }

  async unlinkIdentity(provider: string, request: object, response: object): Promise<void> {
    const { gate, accounts, signIns } = this.parts;
    const user = await gate.requireRecent(gate.begin(request, response), this.now());
    const linked = (await accounts.identities(user.id)).filter((identity) => identity.provider === provider);
    if (linked.length === 0) throw AccountError.because('NOT_FOUND', 'No identity of this provider is linked');
    await signIns.checkOtherWay(user.id, provider);
    for (const { subject } of linked) await accounts.unlinkIdentity(user.id, { provider, subject });
  }

  private async start(
    accountId: string,
    request: object,
    response: object,
    options: { readonly amr: readonly string[]; readonly remember?: boolean; readonly isNewUser?: boolean },
  ): Promise<TokenAnswer> {
    const { sessions, signIns } = this.parts;
    const session = await sessions.start(accountId, { request, ...options });
    await signIns.note(accountId);
    return sessions.deliver(session, request, response);
  }

  /** The guest who makes the request; `null` for anybody else. */
  private async findGuest(view: RequestView): Promise<SessionUser | null> {
    const user = await this.parts.gate.findUser(view);
    return user?.isAnonymous === true ? user : null;
  }

  private async checkCurrentPassword(view: RequestView, user: SessionUser, password: string): Promise<void> {
    const { passwords } = this.parts;
    const network = networkOf(view);
    const attempt = await this.parts.findLimits().begin(user.id, network);
    const account = await passwords.check(await passwords.findById(user.id), password, network);
    if (account === null) throw RefusalError.of('INVALID_CREDENTIALS', 'The current password is wrong');
    await attempt.giveBack();
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** @throws {RefusalError} `NOT_FOUND` where the app has not switched a route on. */
function checkIsOn(isOn: boolean, option: string): void {
  if (!isOn) throw RefusalError.of('NOT_FOUND', `The route is switched off by AccountsModule.forRoot({ ${option} })`);
}

function readLogin(body: JsonObject): string {
  const names = (['email', 'username'] as const).filter((name) => body[name] !== undefined && body[name] !== null);
  const [name] = names;
  if (name !== undefined && names.length === 1) return readText(body, name);
  throw RefusalError.input([{ path: 'email', message: 'either email or username is expected' }]);
}

function readText(body: JsonObject, name: string): string {
  const value = body[name];
  if (typeof value === 'string') return value;
  throw RefusalError.input([{ path: name, message: 'a text is expected' }]);
}

function checkRequired(body: JsonObject, names: readonly string[]): void {
  const missing = names.filter((name) => body[name] === undefined || body[name] === null);
  if (missing.length > 0) throw RefusalError.input(missing.map((path) => ({ path, message: 'it is missing' })));
}

/** For the log, which an operator reads; the answer is the same. */
function describeRefusal(found: { readonly status: string } | null): string {
  if (found === null) return 'There is no account with this address or username';
  return found.status === 'disabled' ? 'The account is disabled' : 'The password is wrong';
}
