import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { SessionGate } from '../sessions/session-gate.js';
import { AddressBody, MagicLinkBody, readBody, ResetPasswordBody } from './account-bodies.js';
import type { AccountAccess } from './account-access.js';
import { isSameMailbox } from './account-input.js';
import type { AccountMails } from './account-mails.js';
import { type AccountTerms, checkIsOn } from './account-options.js';
import { type AccountPasswords, withPassword } from './account-passwords.js';
import type { AccountRecords } from './account-records.js';
import type { AccountSessions } from './account-sessions.js';
import type { FoundAccount } from './account-store.js';
import type { AddressProofs } from './address-proofs.js';
import { loginKey } from './login-check.js';
import { invalidCode, type MailedCode, type MailedCodes } from './mailed-codes.js';
import type { SignUpHooks } from './sign-up-hooks.js';
import { isUnused } from './sign-ups.js';

export interface MailSignInRequestsParts {
  readonly terms: AccountTerms;
  readonly gate: SessionGate;
  readonly records: AccountRecords;
  readonly passwords: AccountPasswords;
  readonly access: AccountAccess;
  readonly codes: MailedCodes;
  readonly proofs: AddressProofs;
  readonly hooks: SignUpHooks;
  readonly accountSessions: AccountSessions;
  readonly mails: AccountMails;
}

/** What the routes of forgotten passwords and of magic links do with a request. */
export class MailSignInRequests {
  constructor(private readonly parts: MailSignInRequestsParts) {}

  async forgotPassword(request: object, response: object): Promise<object> {
    const { terms, gate, codes } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.minPasswordLength !== null, 'password');
    const { email } = await readBody(AddressBody, request);
    await codes.send('reset-password', { email, view }, (account) =>
      account?.status === 'enabled' && !account.isAnonymous ? 'code' : 'no-account',
    );
    return {};
  }

  async resetPassword(request: object, response: object): Promise<void> {
    const { terms, gate, codes, records, passwords, access, mails } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.minPasswordLength !== null, 'password');
    const body = await readBody(ResetPasswordBody, request);
    const { password } = body;
    const code = await codes.find(body, view, 'reset-password');
    const account = code.accountId === null ? null : await records.find(code.accountId);
    if (account?.status !== 'enabled' || !isSameMailbox(account.email, code.email)) {
      throw invalidCode('Its account was deleted or disabled, or has another address');
    }
    // Before the code is used up: a weak password, or too many at once, must leave it valid.
    const passwordHash = await passwords.toHash({ password }, account, networkOf(view));
    await codes.use(code);
    // Before it, so that a failure afterwards leaves nobody in; and after it, for what began in between.
    await access.endSessions(account.id);
    const changed = await this.setPassword(account, passwordHash ?? '');
    records.emit('password-changed', account.id);
    mails.tellPasswordChanged(changed, view);
    await access.endSessions(account.id);
    await access.endCodes(account.id);
  }

  async magicLink(request: object, response: object): Promise<object> {
    const { terms, gate, codes, accountSessions } = this.parts;
    const view = gate.begin(request, response);
    checkIsOn(terms.magicLink, 'magicLink');
    const { email } = await readBody(AddressBody, request);
    const guestId = await accountSessions.findGuestId(view);
    await codes.send('magic-link', { email, view, more: { guestId } }, (account) => {
      if (account === null || account.isAnonymous) return terms.signUp === false ? 'no-account' : 'code';
      return account.status === 'enabled' ? 'code' : 'no-account';
    });
    return {};
  }

  async confirmMagicLink(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, codes, hooks, accountSessions } = this.parts;
    const view = gate.beginSignIn(request, response);
    checkIsOn(terms.magicLink, 'magicLink');
    const body = await readBody(MagicLinkBody, request);
    const { remember } = body;
    const code = await codes.find(body, view, 'magic-link');
    const holder = await this.findHolder(code);
    // One that was signed up for and never verified is dropped, and made anew.
    const isNew = holder === null || holder.isAnonymous || isUnused(holder);
    const customData = isNew ? await hooks.call({ email: code.email, name: null, input: null, request }) : undefined;
    await codes.use(code);
    const account = await this.accountOf(holder, { code, customData, view });
    if (account === null) throw invalidCode('The account was changed at the same moment');
    return await accountSessions.begin(
      account,
      { request, response, network: networkOf(view) },
      { amr: ['otp'], loginKey: loginKey(code.emailKey), remember: remember ?? true, isNewUser: isNew },
    );
  }

  /** The account that has the address; `null` where one is made. @throws {RefusalError} where nobody may sign in to it */
  private async findHolder({ email, emailKey }: MailedCode): Promise<FoundAccount | null> {
    const { terms, records } = this.parts;
    const holder = await records.findByEmail(emailKey);
    if (holder?.status === 'disabled') throw invalidCode('The account is disabled');
    if (holder !== null && !holder.isAnonymous && !isSameMailbox(holder.email, email))
      throw invalidCode('The account has another address');
    if ((holder === null || holder.isAnonymous) && terms.signUp === false) {
      throw invalidCode('There is no account with this address any more');
    }
    return holder;
  }

  /** @returns `null` where another request changed the account at the same moment */
  private async accountOf(
    holder: FoundAccount | null,
    {
      code,
      customData,
      view,
    }: { readonly code: MailedCode; readonly customData: SignUpData; readonly view: RequestView },
  ): Promise<FoundAccount | null> {
    const { proofs, accountSessions } = this.parts;
    const guestId = await accountSessions.findGuestId(view);
    // A guest keeps the account only by a link of their own: another's would give it to whoever asked for it.
    const ownGuestId = guestId !== null && code.payload['guestId'] === guestId ? guestId : null;
    return await proofs.accountOf(holder, { email: code.email, customData, guestId: ownGuestId });
  }

  /** The password of an account whose address was not verified may be a stranger's, and so may everything else of it. */
  private async setPassword(account: FoundAccount, passwordHash: string): Promise<FoundAccount> {
    const { proofs, records } = this.parts;
    if (account.emailVerified) {
      return await records.change(account.id, (found) => {
        if (found.email !== account.email || found.status === 'disabled')
          throw invalidCode('The account was changed at the same moment');
        return { ...found, credentials: withPassword(found.credentials, passwordHash) };
      });
    }
    const taken = await proofs.takeOver(account, { credentials: { passwordHash } });
    if (taken === null) throw invalidCode('The account was changed at the same moment');
    return taken;
  }
}

type SignUpData = Awaited<ReturnType<SignUpHooks['call']>>;
