/** An app whose people sign in by a provider, all of whose tables, log lines, events and answers are searched for secrets. */
import type { AuthEvent } from 'nest-gatehouse';
import { dumpTables } from './account-instances.js';
import type { Platform } from './app.js';
import type { Answer, Call } from './http.js';
import { LogLines } from './log-lines.js';
import { type LoginApp, startLoginApp } from './login-app.js';
import { loginClient, type LoginProviderStand } from './login-provider.js';
import { SessionClient } from './session-app.js';
import { SharedDatabase } from './session-instances.js';

/** An app on a database, and all that comes out of it. */
export class WatchedApp {
  /** Answers as text, with their headers and cookies. */
  readonly answers: string[] = [];
  /** The secrets of logins that the app itself sends, and only to the browser or the frontend in which they begin. */
  readonly begun: string[] = [];
  /** The codes of the provider. */
  readonly codes: string[] = [];

  private constructor(
    readonly app: LoginApp,
    private readonly log: LogLines,
    private readonly events: readonly AuthEvent[],
    private readonly schema: string,
  ) {}

  static async start(platform: Platform, keepTokens: boolean): Promise<WatchedApp> {
    const log = new LogLines();
    const events: AuthEvent[] = [];
    const database = new SharedDatabase();
    const app = await startLoginApp(platform, {
      logger: log,
      auth: { onEvent: (event) => events.push(event) },
      stores: database.stores(),
      login: { keepTokens },
    });
    return new WatchedApp(app, log, events, database.schema);
  }

  get provider(): LoginProviderStand {
    return this.app.provider;
  }

  /** A browser or a frontend whose answers are searched. */
  client(): SessionClient {
    const { nest, url } = this.app.app;
    const call = async (path: string, given?: Call): Promise<Answer> => {
      const answer = await this.app.app.call(path, given);
      this.watch(path, answer);
      return answer;
    };
    return new SessionClient({ nest, url, call });
  }

  /** Everything that came out of the app, by where it was. */
  async findings(): Promise<ReadonlyMap<string, string>> {
    const tables = await dumpTables(this.schema);
    return new Map([
      ...[...tables].map(([name, rows]) => [`table ${name}`, rows.join('\n')] as const),
      ['log', this.log.lines.map(({ text, context }) => `${context} ${text}`).join('\n')],
      ['events', JSON.stringify([this.events, this.app.events])],
      ['answers', this.answers.join('\n')],
    ]);
  }

  /** The secrets of the provider, and those of its logins. */
  get secrets(): readonly string[] {
    const { tokens, exchanges } = this.provider;
    const verifiers = exchanges.map((form) => form.get('code_verifier') ?? '').filter((verifier) => verifier !== '');
    // An ID token can be of use by its signature alone, to whoever knows the rest.
    const signatures = tokens.flatMap((token) => token.split('.').slice(2));
    return [...tokens, ...signatures, ...verifiers, ...this.codes, loginClient.clientSecret];
  }

  private watch(path: string, { status, headers, text, json }: Answer): void {
    const address = path.startsWith('/auth/login/')
      ? (headers['location'] ?? (json as { url?: string } | undefined)?.url)
      : undefined;
    let written = JSON.stringify([status, headers, text]);
    if (address?.startsWith(`${this.provider.issuer}/`) === true) {
      for (const name of ['state', 'nonce']) {
        const value = new URL(address).searchParams.get(name) ?? '';
        this.begun.push(value);
        // The way to the provider has to have them, and is the only one that has.
        written = written.replace(`${name}=${value}`, '');
      }
    }
    this.answers.push(written);
  }
}

/** A secret as it is written in text, in the address of a page, as hexadecimal or Base64 text, and within a longer text in Base64. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const shifted = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The characters at both ends depend on what is around it.
    return text.slice(before === 0 ? 0 : 4, text.length - 4);
  });
  return [
    ...[secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)],
    ...[String(new URLSearchParams({ '': secret })).slice(1), bytes.toString('hex')],
    ...shifted.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]),
  ];
}

/** Where a secret is found, in whatever form. */
export function placesOf(secrets: readonly string[], findings: ReadonlyMap<string, string>): readonly string[] {
  const forms = [...new Set(secrets)].flatMap(formsOf);
  return [...findings].flatMap(([place, text]) =>
    forms.filter((form) => text.includes(form)).map((form) => `${place}: ${form}`),
  );
}
