import { RefusalError } from '../errors/auth-error.js';
import type { Session } from '../sessions/session.js';
import { type BeginSession, type ConfirmedLogin, LoginAccounts } from './login-accounts.js';
import type { LoginDecider } from './login-options.js';

/** The people of an app that decides by its option `signIn` who an identity is. */
export class AppLogins extends LoginAccounts {
  constructor(private readonly decider: LoginDecider) {
    super();
  }

  override async signIn({ identity, linkTo, request }: ConfirmedLogin, begin: BeginSession): Promise<Session> {
    const subject = (await this.decider.signIn(identity, { request, linkTo })) as
      | Awaited<ReturnType<LoginDecider['signIn']>>
      | undefined;
    if (subject !== null && subject !== undefined) return await begin(subject, { isNewUser: false });
    throw RefusalError.of('LOGIN_REFUSED', 'signIn gave no user for the identity');
  }
}
