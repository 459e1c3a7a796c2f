import { type Clock, readMilliseconds } from '../clock/clock.js';
import { isRefusal, RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { SessionGate } from '../sessions/session-gate.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { JsonObject } from '../token/json-object.js';
import { readBody, readEmptyBody, SecondFactorBody, TotpBody } from './account-bodies.js';
import { type AccountTerms, checkIsOn } from './account-options.js';
import type { AccountRecords } from './account-records.js';
import { type AccountSessions, passwordMark } from './account-sessions.js';
import type { FoundAccount } from './account-store.js';
import type { GuessingLimits } from './guessing-limits.js';
import { loginKeyOf } from './login-check.js';
import type { FoundCode, OneTimeCodes } from './one-time-codes.js';
import { installOtpPackage, type SecondFactors, type TotpRegistration } from './second-factors.js';

export interface SecondFactorRequestsParts {
  readonly terms: AccountTerms;
  readonly gate: SessionGate;
  readonly records: AccountRecords;
  readonly accountSessions: AccountSessions;
  readonly findLimits: () => GuessingLimits;
  readonly findCodes: () => OneTimeCodes;
  readonly clock: Clock;
}

/** What the routes of second factors do with a request. */
export class SecondFactorRequests {
  constructor(
    private readonly parts: SecondFactorRequestsParts,
    private readonly factors: SecondFactors,
  ) {}

  async register(request: object, response: object): Promise<TotpRegistration> {
    const { account } = await this.begin(request, response, () => readEmptyBody(request));
    // A guest who signs up later starts with the credentials that are given then.
    if (account.isAnonymous) throw RefusalError.of('ACCESS_DENIED', 'A guest does not sign in, with one factor or two');
    return await this.factors.register(account);
  }

  async confirm(request: object, response: object): Promise<{ readonly recoveryCodes: readonly string[] }> {
    const { findLimits } = this.parts;
    const { account, network, body } = await this.begin(request, response, () => readBody(TotpBody, request));
    const { code } = body;
    const guess = { login: loginKeyOf(account), network, accountId: account.id };
    return { recoveryCodes: await findLimits().judge(guess, () => this.factors.confirm(account.id, code)) };
  }

  async remove(request: object, response: object): Promise<void> {
    const { account } = await this.begin(request, response, () => readEmptyBody(request));
    await this.factors.remove(account.id);
  }

  async signIn(request: object, response: object): Promise<TokenAnswer> {
    const { gate, records, accountSessions, findLimits, findCodes } = this.parts;
    const view = gate.beginSignIn(request, response);
    const { attemptCode, code } = await readBody(SecondFactorBody, request);
    const network = networkOf(view);
    const attempt = await this.startTry(attemptCode);
    const accountId = attempt.accountId ?? '';
    const { mark, ...signIn } = readSignIn(attempt.payload);
    const guess = { login: signIn.loginKey, network, accountId };
    await findLimits().judge(guess, () => this.factors.use(accountId, code));
    await findCodes().use(attempt);
    const account = await records.find(accountId);
    if (account === null || passwordMark(account) !== mark) {
      throw RefusalError.of('INVALID_CODE', 'The account was deleted or its password changed since the attempt began');
    }
    return await accountSessions.begin(account, { request, response, network }, { ...signIn, hasSecondFactor: true });
  }

  /** An account that has a second factor is asked for it also where the app has switched them off since. */
  private async startTry(attemptCode: string): Promise<FoundCode> {
    try {
      return await this.parts.findCodes().startTry(attemptCode);
    } catch (error) {
      if (isRefusal(error)) await this.checkIsOn();
      throw error;
    }
  }

  /** The account of a caller who has signed in lately. */
  private async begin<Body>(
    request: object,
    response: object,
    readGiven: () => Promise<Body>,
  ): Promise<{ readonly account: FoundAccount; readonly network: string | null; readonly body: Body }> {
    const { gate, records, clock } = this.parts;
    const view = gate.begin(request, response);
    await this.checkIsOn();
    const { user, body } = await gate.requireWith(view, readGiven, readMilliseconds(clock));
    const account = await records.find(user.id);
    if (account === null) throw RefusalError.session('revoked', 'The account of the session was deleted');
    return { account, network: networkOf(view), body };
  }

  private async checkIsOn(): Promise<void> {
    checkIsOn(this.parts.terms.totp !== false, 'totp');
    if (await this.factors.isAvailable()) return;
    throw RefusalError.of('NOT_FOUND', `There are no second factors: ${installOtpPackage}`);
  }
}

/** What the first step of the sign-in has kept. */
function readSignIn({ amr, loginKey, remember, isNewUser, mark }: JsonObject) {
  const first = Array.isArray(amr) ? amr.filter((method) => typeof method === 'string') : [];
  return {
    amr: [...new Set([...first, 'otp', 'mfa'])],
    loginKey: String(loginKey),
    remember: remember === true,
    isNewUser: isNewUser === true,
    mark,
  };
}
