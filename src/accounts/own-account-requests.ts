import { type Clock, readMilliseconds } from '../clock/clock.js';
import type { Page } from '../configuration/list-page.js';
import { RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { SessionService } from '../sessions/session.service.js';
import type { AccountIdentity } from './account.js';
import { ChangePasswordBody, ProfileBody, readBody, readEmptyBody } from './account-bodies.js';
import { withoutUndefined } from './account-input.js';
import type { AccountMails } from './account-mails.js';
import { type AccountTerms, checkIsOn } from './account-options.js';
import type { AccountPasswords } from './account-passwords.js';
import type { AccountProfile } from './account-profile.js';
import type { AccountSignIns } from './account-sign-ins.js';
import type { AccountService } from './account.service.js';
import { type LoginCheck, loginKeyOf } from './login-check.js';

export interface OwnAccountRequestsParts {
  readonly terms: AccountTerms;
  readonly gate: SessionGate;
  readonly sessions: SessionService;
  readonly signIns: AccountSignIns;
  readonly passwords: AccountPasswords;
  readonly login: LoginCheck;
  readonly mails: AccountMails;
  readonly clock: Clock;
}

/** What the routes of a signed-in user's own account do with a request. */
export class OwnAccountRequests {
  constructor(
    private readonly parts: OwnAccountRequestsParts,
    private readonly accounts: AccountService,
  ) {}

  async changePassword(request: object, response: object): Promise<void> {
    const { terms, gate, signIns, passwords, login, mails } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.minPasswordLength !== null, 'password');
    const { user, body } = await gate.requireWith(view, () => readBody(ChangePasswordBody, request));
    const { currentPassword, password } = body;
    const found = await passwords.findById(user.id);
    if (found === null) throw RefusalError.session('revoked', 'The account of the session was deleted');
    if (found.isAnonymous) throw RefusalError.of('ACCESS_DENIED', 'A guest gets a password by signing up');
    const network = networkOf(view);
    let account = found;
    if (found.credentials.passwordHash === undefined) {
      // A first password is a further way to sign in.
      await gate.requireRecent(view, readMilliseconds(this.parts.clock));
    } else {
      if (typeof currentPassword !== 'string') {
        throw RefusalError.input([{ path: 'currentPassword', message: 'it is missing' }]);
      }
      account = await login.checkPassword({ key: loginKeyOf(found), found, password: currentPassword, network });
    }
    const changed = await signIns.changePassword(account, password, {
      network,
      sessionId: user.sessionId,
      checkIsAllowed: () => gate.require(view),
    });
    mails.tellPasswordChanged(changed, view);
  }

  async update(request: object, response: object): Promise<{ user: object }> {
    const { gate } = this.parts;
    const view = gate.begin(request, response);
    const { user, body } = await gate.requireWith(view, () => readBody(ProfileBody, request));
    await this.accounts.update(user.id, profileOf(body));
    return { user: await gate.present(user) };
  }

  async delete(request: object, response: object): Promise<void> {
    const { gate, sessions, clock } = this.parts;
    const view = gate.begin(request, response);
    const { user } = await gate.requireWith(view, () => readEmptyBody(request), readMilliseconds(clock));
    await this.accounts.delete(user.id);
    sessions.clear(request, response);
  }

  async listIdentities(request: object, response: object): Promise<Page<AccountIdentity>> {
    const { gate } = this.parts;
    const user = await gate.require(gate.begin(request, response));
    return { items: await this.accounts.identities(user.id), nextCursor: null };
  }

  async unlinkIdentity(request: object, response: object, provider: string): Promise<void> {
    const { gate, signIns, clock } = this.parts;
    const user = await gate.requireRecent(gate.begin(request, response), readMilliseconds(clock));
    await signIns.unlink(user.id, provider);
  }
}

function profileOf({ name, givenName, familyName, pictureUrl }: ProfileBody): AccountProfile {
  return withoutUndefined({ name, givenName, familyName, pictureUrl });
}
