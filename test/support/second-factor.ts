/** People who sign in with a second factor. */
import { type AccountApp, codeOf, email, password } from './account-app.js';
import type { Authenticator } from './authenticator.js';
import type { Answer } from './http.js';
import type { SessionClient } from './session-app.js';

export const inBody = [['X-Token-Delivery', 'body']] as const;

export const outcome = ({ status, json }: Answer): unknown[] => [status, codeOf(json)];

/** What asks for the second factor: the `attemptCode` of an answer. */
export const attemptCodeOf = ({ json }: Answer): string => (json as { attemptCode: string }).attemptCode;

/** Creates an account, and signs in to it. */
export async function createAccount(
  stand: AccountApp,
): Promise<{ readonly id: string; readonly client: SessionClient }> {
  const { id } = await stand.accounts.create({ email, emailVerified: true, password });
  return { id, client: await stand.signIn() };
}

export interface Enrolled {
  readonly registered: Answer;
  readonly app: Authenticator;
  readonly confirmed: Answer;
  readonly recoveryCodes: string[];
}

/** Registers a second factor, and waits for the step after that of the code that confirmed it. */
export async function enroll(stand: AccountApp, client: SessionClient): Promise<Enrolled> {
  // Loaded here, so that tests of an app without `otpauth` do not load it.
  const { Authenticator: App } = await import('./authenticator.js');
  const registered = await client.post('/auth/totp/registration');
  const app = new App((registered.json as { uri: string }).uri, stand.clock);
  const confirmed = await client.post('/auth/totp', { code: app.code() });
  stand.clock.advanceSeconds(30);
  const { recoveryCodes } = confirmed.json as { recoveryCodes: string[] };
  return { registered, app, confirmed, recoveryCodes };
}

/** Signs in with the password. @returns the `attemptCode` */
export async function beginSignIn(stand: AccountApp): Promise<string> {
  return attemptCodeOf(await stand.client('body').post('/auth/sign-in', { email, password }, inBody));
}

/** Gives the second factor. */
export function finishSignIn(
  stand: AccountApp,
  attemptCode: string,
  code: string,
  client = stand.client('body'),
): Promise<Answer> {
  return client.post('/auth/sign-in/totp', { attemptCode, code }, inBody);
}
