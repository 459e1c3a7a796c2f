import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { Page } from '../configuration/list-page.js';
import { RefusalError } from '../errors/auth-error.js';
import { checkMembers, readJsonBody } from '../issuing/request-body.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { SessionService } from '../sessions/session.service.js';
import type { JsonObject } from '../token/json-object.js';
import type { AccountIdentity } from './account.js';
import type { AccountTerms } from './account-options.js';
import type { AccountPasswords } from './account-passwords.js';
import type { AccountSignIns } from './account-sign-ins.js';
import type { FoundAccount } from './account-store.js';
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

/** A session that begins. */
interface BeginningSession {
  readonly amr: readonly string[];
  readonly remember?: boolean;
  readonly isNewUser?: boolean;
  readonly network: string | null;
  /** The account whose password was checked. */
  readonly checked?: FoundAccount;
}

/** A password that is given for an account. */
interface GivenLogin {
  /** What failures are counted under. */
  readonly key: string;
  /** `null` where there is no account with this login. */
  readonly found: FoundAccount | null;
  readonly password: string;
  readonly network: string | null;
}

const profileMembers = ['name', 'givenName', 'familyName', 'pictureUrl'] as const;
const signUpMembers = ['email', 'password', 'username', ...profileMembers] as const;

/** What the routes of accounts do with a request. */
export class AccountRequests {
  constructor(private readonly parts: AccountRequestsParts) {}

  async signUp(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, accounts, signIns } = this.parts;
    const view = gate.beginSignIn(request, response);
    checkIsOn(terms.signUp !== false && terms.minPasswordLength !== null, 'signUp');
    const body = await readJsonBody(request);
    checkMembers(body, [...signUpMembers]);
    checkRequired(body, ['email', 'password']);
    const network = networkOf(view);
    await this.parts.findLimits().takeNewAccount('sign-up', network);
    const guestId = await this.findGuest(view);
    // The services check what the members are.
    const given = body as NewAccount;
    const { id } = await (guestId === null ? accounts.create(given) : signIns.upgrade(guestId, given, network));
    return await this.start(id, request, response, { amr: ['pwd'], isNewUser: true, network });
  }

  async signIn(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, passwords } = this.parts;
    const view = gate.beginSignIn(request, response);
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
    const key = `login ${passwords.keyOf(login)}`;
    const account = await this.checkPassword({ key, found, password, network });
    return await this.start(account.id, request, response, { amr: ['pwd'], remember, network, checked: account });
  }

  async anonymous(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, signIns } = this.parts;
    const view = gate.beginSignIn(request, response);
    checkIsOn(terms.anonymous, 'anonymous');
    checkMembers(await readJsonBody(request), []);
    const network = networkOf(view);
    await this.parts.findLimits().takeNewAccount('anonymous', network);
    const { id } = await signIns.createGuest();
    return await this.start(id, request, response, { amr: [], isNewUser: true, network });
  }

  async changePassword(request: object, response: object): Promise<void> {
    const { terms, gate, signIns, passwords } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.minPasswordLength !== null, 'password');
    const user = await gate.require(view);
    const body = await readJsonBody(request);
    checkMembers(body, ['currentPassword', 'password']);
    const password = readText(body, 'password');
    const found = await passwords.findById(user.id);
    if (found === null) throw RefusalError.session('revoked', 'The account of the session was deleted');
    const network = networkOf(view);
    let account = found;
    if (found.credentials.passwordHash === undefined) {
      // A first password is a further way to sign in.
      await gate.requireRecent(view, this.now());
    } else {
      const currentPassword = readText(body, 'currentPassword');
      account = await this.checkPassword({ key: `account ${user.id}`, found, password: currentPassword, network });
    }
    await signIns.changePassword(account, password, { network, sessionId: user.sessionId });
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
    const { gate, signIns } = this.parts;
    const user = await gate.requireRecent(gate.begin(request, response), this.now());
    await signIns.unlink(user.id, provider);
  }

  private async start(
    accountId: string,
    request: object,
    response: object,
    { network, checked, ...options }: BeginningSession,
  ): Promise<TokenAnswer> {
    const { sessions, signIns, passwords } = this.parts;
    const session = await sessions.start(accountId, { request, ...options });
    // What ended the sessions of the account after its password was read has not seen this one.
    if (checked !== undefined && !(await passwords.isCurrent(checked))) {
      await sessions.end(session.id);
      throw RefusalError.of('INVALID_CREDENTIALS', 'The password was changed, or the account disabled, meanwhile');
    }
    if (options.amr.length > 0) await this.parts.findLimits().noteSignIn(accountId, network);
    await signIns.note(accountId);
    return sessions.deliver(session, request, response);
  }

  /** The account of the guest who makes the request, whose access token may have expired; `null` for anybody else. */
  private async findGuest(view: RequestView): Promise<string | null> {
    const userId = await this.parts.gate.findUserId(view);
    const account = userId === null ? null : await this.parts.passwords.findById(userId);
    return account?.isAnonymous === true ? account.id : null;
  }

  /** @throws {RefusalError} `INVALID_CREDENTIALS`, or `TOO_MANY_ATTEMPTS` before the password is looked at. */
  private async checkPassword({ key, found, password, network }: GivenLogin): Promise<FoundAccount> {
    const attempt = await this.parts.findLimits().begin(key, network, found?.id ?? null);
    let account;
    try {
      account = await this.parts.passwords.check(found, password, network);
    } catch (error) {
      // Nothing was learned about the password.
      await attempt.giveBack();
      throw error;
    }
    if (account === null) throw RefusalError.of('INVALID_CREDENTIALS', describeRefusal(found));
    await attempt.giveBack();
    return account;
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
