import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

import type { Page } from '../configuration/list-page.js';
import { RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { RequestView } from '../request/request-view.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { SessionUser } from '../sessions/session-caller.js';
import type { SessionGate } from '../sessions/session-gate.js';
import { PasskeyBody, PasskeySignInBody, readBody, readEmptyBody } from './account-bodies.js';
import { checkIsOn } from './account-options.js';
import type { AccountParts } from './account-parts.js';
import type { AccountRecords } from './account-records.js';
import type { AccountSessions } from './account-sessions.js';
import type { AccountSignIns } from './account-sign-ins.js';
import type { FoundAccount } from './account-store.js';
import type { AccountStores } from './account-stores.js';
import { BrowserBinding } from './browser-binding.js';
import type { GuessingLimits } from './guessing-limits.js';
import { loginKeyOf } from './login-check.js';
import { challengeSeconds, PasskeyChallenges } from './passkey-challenges.js';
import type { StoredPasskey } from './passkey-store.js';
import { Passkeys, toPasskeyId } from './passkeys.js';
import { loadWebAuthn } from './webauthn-package.js';

export interface PasskeyRequestsParts {
  /** `null` where the app has switched passkeys off. */
  readonly passkeys: Passkeys | null;
  readonly challenges: PasskeyChallenges;
  readonly gate: SessionGate;
  /** Binds the challenge of a sign-in to the browser. */
  readonly binding: BrowserBinding;
  readonly records: AccountRecords;
  readonly accountSessions: AccountSessions;
  readonly signIns: AccountSignIns;
  readonly findLimits: () => GuessingLimits;
}

/** The options of a ceremony for the browser, and what a client that takes its tokens in the body sends back with the answer. */
interface PasskeyOptionsAnswer {
  readonly options: object;
  readonly attempt?: string;
}

/** A passkey in answers. */
interface PasskeyItem {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
  /** Whether the authenticator keeps a copy of it elsewhere. */
  readonly backedUp: boolean;
}

const usualName = 'Passkey';
/** RFC 8176: possession of a key was proven, and the presence of its user tested. */
const amr = ['pop', 'user'];

/** What the routes of passkeys do with a request. */
export class PasskeyRequests {
  constructor(private readonly parts: PasskeyRequestsParts) {}

  async registrationOptions(request: object, response: object): Promise<PasskeyOptionsAnswer> {
    const { gate, challenges } = this.parts;
    const { view, passkeys, user, account } = await this.beginChange(request, response, () => readEmptyBody(request));
    const challenge = await challenges.issue({
      ceremony: 'passkey-registration',
      boundTo: user.sessionId,
      accountId: user.id,
    });
    const options = await passkeys.createOptions(account, challenge);
    return { options, ...(!gate.deliversCookies(view) && { attempt: challenge }) };
  }

  async register(request: object, response: object): Promise<PasskeyItem> {
    const { gate, records } = this.parts;
    const { view, passkeys, user, account, body } = await this.beginChange(request, response, () =>
      readBody(PasskeyBody, request),
    );
    const attempt = body.attempt ?? null;
    const isBound = (boundTo: string, challenge: string): boolean =>
      boundTo === user.sessionId && (attempt === null || attempt === challenge);
    const isAllowed = async (): Promise<boolean> =>
      (await gate.findUserId(view)) === user.id && (await records.find(user.id))?.status === 'enabled';
    const answer = { response: body.response, isBound };
    return toItem(await passkeys.register(account, answer, { name: body.name ?? usualName, isAllowed }));
  }

  async list(request: object, response: object): Promise<Page<PasskeyItem>> {
    const { gate } = this.parts;
    const view = gate.begin(request, response);
    const passkeys = this.getPasskeys();
    const user = await gate.require(view);
    return { items: (await passkeys.list(user.id)).map(toItem), nextCursor: null };
  }

  async remove(request: object, response: object, id: string): Promise<void> {
    const { signIns } = this.parts;
    const { passkeys, user } = await this.beginChange(request, response, () => readEmptyBody(request));
    await passkeys.removeUnlessLast(user.id, id, (passkey) => signIns.canSignIn(user.id, { passkey }));
  }

  async signInOptions(request: object, response: object): Promise<PasskeyOptionsAnswer> {
    const { gate, binding, challenges, findLimits } = this.parts;
    const view = gate.beginSignIn(request, response);
    const passkeys = this.getPasskeys();
    await readEmptyBody(request);
    await findLimits().takeChallenge(networkOf(view));
    const browser = binding.bind(view, response);
    const attempt = browser === null ? randomBytes(16).toString('base64url') : '';
    const boundTo = browser ?? hash(attempt).toString('base64url');
    const challenge = await challenges.issue({ ceremony: 'passkey-sign-in', boundTo, accountId: null });
    return { options: await passkeys.signInOptions(challenge), ...(browser === null && { attempt }) };
  }

  async signIn(request: object, response: object): Promise<TokenAnswer> {
    const { gate, accountSessions, findLimits } = this.parts;
    const view = gate.beginSignIn(request, response);
    const passkeys = this.getPasskeys();
    const { response: given, attempt, remember } = await readBody(PasskeySignInBody, request);
    const network = networkOf(view);
    const claimed = await passkeys.find(given['id']);
    const login = {
      login: `passkey ${claimed?.credentialId ?? ''}`,
      network,
      accountId: claimed?.accountId ?? null,
      isGuessable: false,
    };
    const { account, passkey } = await findLimits().judge(login, () =>
      passkeys.verify({ response: given, isBound: (boundTo) => this.isBound(view, boundTo, attempt ?? null) }),
    );
    return await accountSessions.begin(
      account,
      { request, response, network },
      {
        amr,
        loginKey: loginKeyOf(account),
        remember: remember ?? true,
        hasSecondFactor: true,
        isStillGood: async () => (await passkeys.find(passkey.credentialId))?.accountId === account.id,
      },
    );
  }

  private isBound(view: RequestView, boundTo: string, attempt: string | null): boolean {
    if (attempt === null) return this.parts.binding.isBound(view, boundTo);
    const expected = Buffer.from(boundTo, 'base64url');
    return expected.length === 32 && timingSafeEqual(hash(attempt), expected);
  }

  /** What every route does that adds or removes a way to sign in. */
  private async beginChange<Body>(
    request: object,
    response: object,
    readGiven: () => Promise<Body>,
  ): Promise<{
    readonly view: RequestView;
    readonly passkeys: Passkeys;
    readonly user: SessionUser;
    readonly account: FoundAccount;
    readonly body: Body;
  }> {
    const { gate, records } = this.parts;
    const view = gate.begin(request, response);
    const passkeys = this.getPasskeys();
    const { user, body } = await gate.requireWith(view, readGiven, records.now().getTime());
    const account = await records.find(user.id);
    if (account === null) throw RefusalError.session('revoked', 'The account of the session was deleted');
    return { view, passkeys, user, account, body };
  }

  private getPasskeys(): Passkeys {
    const { passkeys } = this.parts;
    checkIsOn(passkeys !== null, 'passkeys');
    return passkeys;
  }
}

/** @throws {ConfigurationError} where the app has switched passkeys on, and lacks their package. */
export async function openPasskeyRequests(parts: AccountParts, stores: AccountStores): Promise<PasskeyRequests> {
  const { terms, gate, records, passwords, accountSessions, signIns, findLimits, findCodes } = parts;
  const challenges = new PasskeyChallenges(findCodes);
  const binding = new BrowserBinding(gate, { name: 'passkey', maxAgeSeconds: challengeSeconds });
  const common = { challenges, gate, binding, records, accountSessions, signIns, findLimits };
  if (terms.passkeys === null) return new PasskeyRequests({ ...common, passkeys: null });
  const passkeys = new Passkeys({
    terms: terms.passkeys,
    webAuthn: await loadWebAuthn(`${terms.where}({ passkeys })`),
    findStore: stores.findPasskeys,
    challenges,
    findAccount: async (id) => {
      const account = passwords.forSignIn(await records.find(id));
      return account?.status === 'enabled' ? account : null;
    },
    now: () => records.now(),
  });
  return new PasskeyRequests({ ...common, passkeys });
}

function toItem(passkey: StoredPasskey): PasskeyItem {
  const { name, createdAt, lastUsedAt, backedUp } = passkey;
  return { id: toPasskeyId(passkey), name, createdAt, lastUsedAt, backedUp };
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
