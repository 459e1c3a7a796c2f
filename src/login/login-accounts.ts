import type { Session } from '../sessions/session.js';
import type { SessionSubject } from '../sessions/session-subject.js';
import type { ExternalIdentity } from './external-identity.js';

/** A login that a provider has confirmed. */
export interface ConfirmedLogin {
  readonly identity: ExternalIdentity;
  /** Whether the provider's word for a verified address may be relied on. */
  readonly vouchesForEmail: boolean;
  /** The account that the identity is linked to; `null` where it signs in. Its user has a session, and has signed in lately. */
  readonly linkTo: string | null;
  /**
   * The user whose session the login began in: a guest keeps the account where a new one would be made, and for anybody else it means
   * nothing. `null` where there was no session.
   */
  readonly guestId: string | null;
  /** The network of the client; `null` where it is unknown. */
  readonly network: string | null;
  /** The request of the framework, for the hooks of the app. */
  readonly request: object;
}

/** Begins the session of a user. */
export type BeginSession = (user: string | SessionSubject, how: { readonly isNewUser: boolean }) => Promise<Session>;

/**
 * The accounts that people sign in to by a provider. `AccountsModule` provides them; an app without it decides by the option `signIn`.
 */
export abstract class LoginAccounts {
  /**
   * Finds, links or makes the account of an identity, and begins its session by calling `begin`. For many calls with one new identity at
   * once, one account is made.
   *
   * With `linkTo` the identity is linked to that account, and `begin` is called for it as well.
   *
   * @throws {RefusalError} `LOGIN_REFUSED` where the person must not sign in
   * @throws {AccountError} `EMAIL_TAKEN` or `IDENTITY_TAKEN`
   * @throws what a hook of the app throws as `HttpException`
   */
  abstract signIn(login: ConfirmedLogin, begin: BeginSession): Promise<Session>;
}
