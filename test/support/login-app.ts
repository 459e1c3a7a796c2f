/** Apps whose people sign in by a provider, and browsers that do. */
import type { AccountsModuleOptions } from 'nest-gatehouse/accounts';
import { LoginModule, type LoginModuleOptions, LoginService, openIdProvider } from 'nest-gatehouse/login';
import { type AccountApp, startAccountApp } from './account-app.js';
import type { Platform } from './app.js';
import type { Answer, Call } from './http.js';
import { loginClient, LoginProviderStand } from './login-provider.js';
import type { SessionAppParts, SessionClient } from './session-app.js';

export const page = 'https://app.example.com';
export const callbackUrl = 'https://api.example.com/auth/callback/corp';

export interface LoginApp extends AccountApp {
  readonly provider: LoginProviderStand;
  readonly logins: LoginService;
}

export interface LoginAppParts extends SessionAppParts {
  readonly provider?: LoginProviderStand;
  readonly accounts?: AccountsModuleOptions;
  readonly login?: Partial<LoginModuleOptions>;
}

/** The provider that the app trusts about addresses. */
export function corp({ issuer }: LoginProviderStand, more: Partial<Parameters<typeof openIdProvider>[0]> = {}) {
  return openIdProvider({ id: 'corp', issuer, ...loginClient, trustEmail: true, ...more });
}

export async function startLoginApp(platform: Platform, parts: LoginAppParts = {}): Promise<LoginApp> {
  const { accounts = {}, login = {}, imports = [], ...rest } = parts;
  const provider = parts.provider ?? (await LoginProviderStand.start(parts.clock));
  const app = await startAccountApp(platform, accounts, {
    clock: provider.clock,
    ...rest,
    imports: [LoginModule.forRoot({ providers: [corp(provider)], returnTo: page, ...login }), ...imports],
  });
  return { ...app, provider, logins: app.app.nest.get(LoginService) };
}

/** Path and query of an address of the app. */
export function pathOf(url: URL | string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** Goes to the provider by a link. @returns the address that the provider sends the browser back to */
export async function goToProvider(
  client: SessionClient,
  provider: LoginProviderStand,
  path = '/auth/login/corp',
): Promise<URL> {
  const answer = await client.call(path);
  if (answer.status !== 302) throw new Error(`${path} was answered with ${answer.status}: ${answer.text}`);
  return provider.authorize(answer.headers['location'] ?? '');
}

/** Signs in by links, as a browser does. @returns the answer of the callback */
export async function signInByLink(
  client: SessionClient,
  provider: LoginProviderStand,
  path?: string,
  change: (back: URL) => void = () => undefined,
): Promise<Answer> {
  const back = await goToProvider(client, provider, path);
  change(back);
  return client.call(pathOf(back));
}

/** Begins a login as a frontend that is called back itself. @returns what the frontend sends on to the app */
export async function beginAsFrontend(
  client: SessionClient,
  provider: LoginProviderStand,
  body: object = { redirectUri: `${page}/callback` },
  headers: Call['headers'] = [],
): Promise<{ readonly code: string; readonly state: string; readonly attempt?: string }> {
  const { status, json, text } = await client.post('/auth/login/corp', body, headers);
  if (status !== 200) throw new Error(`The start was answered with ${status}: ${text}`);
  const { url, attempt } = json as { url: string; attempt?: string };
  const { searchParams } = provider.authorize(url);
  const { code = '', state = '' } = Object.fromEntries(searchParams);
  return { code, state, ...(attempt !== undefined && { attempt }) };
}

/** Where an answer sends the browser. */
export function locationOf({ status, headers }: Answer): string | undefined {
  return status === 302 ? headers['location'] : undefined;
}
