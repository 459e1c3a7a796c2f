/** People who sign in by a provider to an app with accounts, without the routes of that. */
import { LoginAccounts } from '../../src/login/login-accounts.js';
import type { ConfirmedLogin } from '../../src/login/login-accounts.js';
import type { Session } from '../../src/sessions/session.js';
import type { AccountApp } from './account-app.js';
import { loginOf } from './login-stand.js';
import type { SessionClient } from './session-app.js';

export { loginOf, owner } from './login-stand.js';

type Stand = Pick<AccountApp, 'app' | 'service' | 'client'>;

/** What a callback of a provider does when the provider has confirmed a login. */
export function signInByProvider({ app, service }: Stand, login: ConfirmedLogin = loginOf()): Promise<Session> {
  return app.nest
    .get(LoginAccounts)
    .signIn(login, (userId, { isNewUser }) => service.start(userId, { amr: ['fed'], isNewUser }));
}

/** The browser in which somebody has signed in by a provider. */
export async function comeByProvider(stand: Stand, login: ConfirmedLogin = loginOf()): Promise<SessionClient> {
  const { accessToken, refreshToken } = await signInByProvider(stand, login);
  const client = stand.client('body');
  client.tokens = { access_token: accessToken, refresh_token: refreshToken };
  return client;
}
