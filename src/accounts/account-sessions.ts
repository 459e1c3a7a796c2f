import { createHash } from 'node:crypto';

import { RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import type { Session, TokenAnswer } from '../sessions/session.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { SessionService } from '../sessions/session.service.js';
import type { AccountPasswords } from './account-passwords.js';
import type { AccountSignIns } from './account-sign-ins.js';
import type { FoundAccount } from './account-store.js';
import type { GuessingLimits } from './guessing-limits.js';
import type { OneTimeCodes } from './one-time-codes.js';

export interface AccountSessionsParts {
  readonly gate: Pick<SessionGate, 'findUserId'>;
  readonly sessions: Pick<SessionService, 'start' | 'end' | 'deliver'>;
  readonly signIns: AccountSignIns;
  readonly passwords: AccountPasswords;
  readonly findLimits: () => GuessingLimits;
  readonly findCodes: () => OneTimeCodes;
}

/** The request that signs in, and where it comes from. */
export interface SignInRequest {
  readonly request: object;
  readonly response: object;
  readonly network: string | null;
}

/** How an account was signed in to. */
export interface AccountSignIn {
  /** RFC 8176 */
  readonly amr: readonly string[];
  /** What wrong second factors are counted under. */
  readonly loginKey: string;
  /** `false`: the browser drops the cookies when it is closed. */
  readonly remember?: boolean;
  readonly isNewUser?: boolean;
  /** Whether the second factor was given, or the way of signing in has one of its own. @defaultValue false */
  readonly hasSecondFactor?: boolean;
  /** Asked when the session is there: whether what was given is still good for the account. */
  readonly isStillGood?: () => Promise<boolean>;
}

/** How a session begins. */
export interface SessionBeginning {
  readonly start: () => Promise<Session>;
  /** Asked when the session is there: whether what was given is still good for the account as it is then. */
  readonly isStillGood: (current: FoundAccount) => Promise<boolean>;
  /** The refusal where it is not. */
  readonly refusal: 'INVALID_CREDENTIALS' | 'LOGIN_REFUSED';
  /** From where the account counts as signed in to from now on; left out for a sign-in that proves nothing. */
  readonly network?: string | null | undefined;
  /** `false`: a session that was there before goes on. It is not ended, and nothing is recorded. @defaultValue true */
  readonly isSignIn?: boolean;
}

const isAlwaysGood = (): Promise<boolean> => Promise.resolve(true);

/** Begins the sessions of accounts. */
export class AccountSessions {
  constructor(private readonly parts: AccountSessionsParts) {}

  /**
   * Begins a session, and delivers its tokens.
   *
   * @param account as it was when its credentials were checked
   * @throws {RefusalError} `MFA_REQUIRED` where the account has a second factor that was not given; `INVALID_CREDENTIALS` where the
   *   account was changed meanwhile, so that it must not be signed in to by what was judged.
   */
  async begin(
    account: FoundAccount,
    { request, response, network }: SignInRequest,
    signIn: AccountSignIn,
  ): Promise<TokenAnswer> {
    const { sessions } = this.parts;
    const { amr, remember = true, isNewUser = false, isStillGood = isAlwaysGood } = signIn;
    await this.checkSecondFactor(account, signIn);
    const session = await this.open(account, {
      start: () => sessions.start(account.id, { request, amr, remember, isNewUser }),
      isStillGood: async (current) => {
        if (!(await isStillGood())) return false;
        await this.checkSecondFactor(current, signIn);
        return true;
      },
      refusal: 'INVALID_CREDENTIALS',
      network: amr.length > 0 ? network : undefined,
    });
    return sessions.deliver(session, request, response);
  }

  /**
   * Begins a session, without asking for a second factor, and records the sign-in.
   *
   * @param account as it was when its credentials were checked
   * @throws {RefusalError} the refusal of the beginning where the account was changed meanwhile; the session has ended then
   */
  async open(account: FoundAccount, beginning: SessionBeginning): Promise<Session> {
    const { start, isStillGood, refusal, network, isSignIn = true } = beginning;
    const { sessions, signIns, passwords, findLimits } = this.parts;
    const session = await start();
    try {
      // What ended the sessions of the account after its credentials were read has not seen the one that has begun.
      const current = await passwords.findCurrent(account);
      if (current === null || !(await isStillGood(current)))
        throw RefusalError.of(refusal, 'The account was changed or disabled meanwhile');
    } catch (error) {
      if (isSignIn) await sessions.end(session.id);
      throw error;
    }
    if (!isSignIn) return session;
    await Promise.all([
      network === undefined ? undefined : findLimits().noteSignIn(account.id, network),
      signIns.note(account.id),
    ]);
    return session;
  }

  /** Whether a request is one of this guest. */
  async isGuest(view: RequestView, guestId: string | null): Promise<boolean> {
    return guestId !== null && (await this.findGuestId(view)) === guestId;
  }

  /** The account of the guest who makes the request, whose access token may have expired; `null` for anybody else. */
  async findGuestId(view: RequestView): Promise<string | null> {
    const userId = await this.parts.gate.findUserId(view);
    const account = userId === null ? null : await this.parts.passwords.findById(userId);
    return account?.isAnonymous === true ? account.id : null;
  }

  /** @throws {RefusalError} `MFA_REQUIRED` where the account has a second factor that was not given */
  private async checkSecondFactor(account: FoundAccount, signIn: AccountSignIn): Promise<void> {
    if (account.credentials.totp === undefined || signIn.hasSecondFactor === true) return;
    const { amr, loginKey, remember = true, isNewUser = false } = signIn;
    const payload = { amr, loginKey, remember, isNewUser, mark: passwordMark(account) };
    const { code } = await this.parts.findCodes().issue({ purpose: 'second-factor', accountId: account.id, payload });
    throw RefusalError.secondFactor(code, 'The account has a second factor');
  }
}

/**
 * What tells whether an account has the password that it had when a sign-in began: a hash of the stored hash, whose salt is random. Codes
 * end with a password, but one may be issued, or used, just when the password is changed.
 */
export function passwordMark({ credentials }: FoundAccount): string {
  return createHash('sha256')
    .update(credentials.passwordHash ?? '')
    .digest('base64url');
}
