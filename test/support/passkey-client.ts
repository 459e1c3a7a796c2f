import type { PasskeyOptions } from 'nest-gatehouse/accounts';
import type { Platform } from './app.js';
import { type AccountApp, email, password, startAccountApp } from './account-app.js';
import type { Answer } from './http.js';
import { publicUrl, type SessionAppParts, type SessionClient } from './session-app.js';
import { type AuthenticatorOptions, type CeremonyChanges, SoftwareAuthenticator } from './software-authenticator.js';

/** The origin of the pages of the apps under test. */
export const origin = publicUrl;
export const passkeys: PasskeyOptions = { rpId: 'example.com', rpName: 'Example', origins: [origin] };

export function startPasskeyApp(
  platform: Platform,
  options: Parameters<typeof startAccountApp>[1] = {},
  parts: SessionAppParts = {},
): Promise<AccountApp> {
  return startAccountApp(platform, { passkeys, ...options }, parts);
}

/** What the options routes answer. */
interface Asked {
  readonly options: object;
  readonly attempt?: string;
}

/** A client with an authenticator. */
export class PasskeyClient {
  readonly authenticator: SoftwareAuthenticator;
  private readonly headers: readonly (readonly [string, string])[];

  constructor(
    readonly client: SessionClient,
    readonly delivery: 'cookies' | 'body' = 'cookies',
    authenticator: SoftwareAuthenticator | Partial<AuthenticatorOptions> = {},
  ) {
    this.headers = [['X-Token-Delivery', delivery]];
    this.authenticator =
      authenticator instanceof SoftwareAuthenticator
        ? authenticator
        : new SoftwareAuthenticator({ origin, ...authenticator });
  }

  get id(): string {
    return this.authenticator.credential?.id ?? '';
  }

  post(path: string, json?: object): Promise<Answer> {
    return this.client.post(`/auth/${path}`, json, this.headers);
  }

  signInWithPassword(login = email): Promise<Answer> {
    return this.post('sign-in', { email: login, password });
  }

  async ask(ceremony: 'registration' | 'sign-in'): Promise<Asked> {
    const answer = await this.post(`passkeys/${ceremony}-options`);
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    return answer.json as Asked;
  }

  async register(changes: CeremonyChanges = {}, more: object = {}): Promise<Answer> {
    const { options, attempt } = await this.ask('registration');
    return this.post('passkeys', { response: this.authenticator.create(options, changes), attempt, ...more });
  }

  async signIn(changes: CeremonyChanges = {}, more: object = {}): Promise<Answer> {
    const { options, attempt } = await this.ask('sign-in');
    return this.post('passkeys/sign-in', { response: this.authenticator.get(options, changes), attempt, ...more });
  }
}

/** The account of `email`, signed in to with its password, and with a passkey. */
export async function withPasskey(
  stand: AccountApp,
  delivery: 'cookies' | 'body' = 'cookies',
  options: Partial<AuthenticatorOptions> = {},
): Promise<PasskeyClient> {
  if ((await stand.accounts.findByEmail(email)) === null) {
    await stand.accounts.create({ email, emailVerified: true, password });
  }
  const client = new PasskeyClient(stand.client(delivery), delivery, options);
  await client.signInWithPassword();
  const registered = await client.register();
  if (registered.status !== 200) throw new Error(`${registered.status} ${registered.text}`);
  return client;
}
