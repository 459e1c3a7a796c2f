import { type FieldProblem, RefusalError } from '../errors/auth-error.js';
import { networkOf } from '../request/network-of.js';
import type { TokenAnswer } from '../sessions/session.js';
import type { SessionGate } from '../sessions/session-gate.js';
import { readBody, readEmptyBody, readSignUpBody, SignInBody, type SignUpBody } from './account-bodies.js';
import { toAccountKey, withoutUndefined } from './account-input.js';
import { type AccountTerms, checkIsOn } from './account-options.js';
import type { AccountPasswords } from './account-passwords.js';
import type { AccountSessions } from './account-sessions.js';
import type { AccountSignIns } from './account-sign-ins.js';
import type { BrowserBinding } from './browser-binding.js';
import type { GuessingLimits } from './guessing-limits.js';
import { type LoginCheck, loginKey } from './login-check.js';
import type { SignUpHooks } from './sign-up-hooks.js';
import type { SignUp, SignUps } from './sign-ups.js';

export interface SignInRequestsParts {
  readonly terms: AccountTerms;
  readonly gate: SessionGate;
  readonly signIns: AccountSignIns;
  readonly signUps: SignUps;
  readonly hooks: SignUpHooks;
  readonly passwords: AccountPasswords;
  readonly login: LoginCheck;
  readonly browsers: BrowserBinding;
  readonly accountSessions: AccountSessions;
  readonly findLimits: () => GuessingLimits;
}

/** What the routes by which people sign up and in do with a request. */
export class SignInRequests {
  constructor(private readonly parts: SignInRequestsParts) {}

  /** @returns `{}` where the address has to be verified first */
  async signUp(request: object, response: object): Promise<TokenAnswer | object> {
    const { terms, gate, signUps, hooks, browsers, accountSessions, findLimits } = this.parts;
    const view = gate.beginSignIn(request, response);
    checkIsOn(terms.signUp !== false, 'signUp');
    const { body, input } = await readSignUpBody(terms.signUpInput, request, (given) => passwordProblems(terms, given));
    const network = networkOf(view);
    await findLimits().takeNewAccount('sign-up', network);
    const { email, name = null } = body;
    const customData = await hooks.call({ email, name, input, request });
    const signUp: SignUp = {
      email,
      password: body.password ?? undefined,
      profile: profileOf(body),
      customData: customData ?? null,
      guestId: await accountSessions.findGuestId(view),
      browser: browsers.bind(view, response),
      network,
      view,
    };
    if (terms.signUp === 'verify-first') {
      await signUps.start(signUp);
      return {};
    }
    const account = await signUps.createAtOnce(signUp);
    const amr = signUp.password === undefined ? [] : ['pwd'];
    return await accountSessions.begin(
      account,
      { request, response, network },
      { amr, loginKey: loginKey(toAccountKey(email)), isNewUser: true },
    );
  }

  async signIn(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, passwords, login, accountSessions } = this.parts;
    const view = gate.beginSignIn(request, response);
    checkIsOn(terms.minPasswordLength !== null, 'password');
    const { password, remember, ...given } = await readBody(SignInBody, request);
    const text = readLogin(given);
    const network = networkOf(view);
    const found = passwords.forSignIn(await passwords.find(text));
    const key = loginKey(toAccountKey(text));
    const account = await login.checkPassword({ key, found, password, network });
    return await accountSessions.begin(
      account,
      { request, response, network },
      { amr: ['pwd'], loginKey: key, remember: remember ?? true },
    );
  }

  async anonymous(request: object, response: object): Promise<TokenAnswer> {
    const { terms, gate, signIns, accountSessions, findLimits } = this.parts;
    const view = gate.beginSignIn(request, response);
    checkIsOn(terms.anonymous, 'anonymous');
    await readEmptyBody(request);
    const network = networkOf(view);
    await findLimits().takeNewAccount('anonymous', network);
    const guest = await signIns.createGuest();
    return await accountSessions.begin(
      guest,
      { request, response, network },
      { amr: [], loginKey: loginKey(guest.id), isNewUser: true },
    );
  }
}

function passwordProblems(terms: AccountTerms, { password }: SignUpBody): readonly FieldProblem[] {
  const isGiven = password !== undefined && password !== null;
  if (terms.signUp === 'at-once' && !isGiven) return [{ path: 'password', message: 'it is missing' }];
  return isGiven && terms.minPasswordLength === null ? [{ path: 'password', message: 'there are no passwords' }] : [];
}

function profileOf({ username, name, givenName, familyName, pictureUrl }: SignUpBody) {
  return withoutUndefined({ username, name, givenName, familyName, pictureUrl });
}

function readLogin({ email, username }: Pick<SignInBody, 'email' | 'username'>): string {
  const [text, ...others] = [email, username].filter((value) => typeof value === 'string');
  if (text !== undefined && others.length === 0) return text;
  throw RefusalError.input([{ path: 'email', message: 'either email or username is expected' }]);
}
