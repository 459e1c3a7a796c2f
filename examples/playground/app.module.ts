import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule, firstOf, fromBearer, fromHeader, oidc } from 'nest-gatehouse';
import { AccountsModule } from 'nest-gatehouse/accounts';
import { apiKeys, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { fromSessionCookie, ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { LoginModule } from 'nest-gatehouse/login';
import { embeddedPostgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { AccountsController } from './accounts.controller.js';
import { ApiController } from './api.controller.js';
import { DemoAccounts } from './demo-accounts.js';
import { KeptMails } from './kept-mails.js';
import { KeysController } from './keys.controller.js';
import { PlaygroundController } from './playground.controller.js';
import { apiAudience } from './provider/api-audience.js';
import { DemoProvider } from './provider/demo-provider.js';
import type { GitHubStandIn } from './provider/github-stand-in.js';
import { MisbehavingProvider } from './provider/misbehaving-provider.js';
import { PageAddress } from './page-address.js';
import { RequestLog } from './request-log.js';
import { SentCookies } from './sent-cookies.js';
import { SessionController } from './session.controller.js';

export interface AppParts {
  readonly provider: DemoProvider;
  readonly gitHub: GitHubStandIn;
  readonly misbehaving: MisbehavingProvider;
  readonly log: RequestLog;
  readonly sentCookies: SentCookies;
  readonly pageUrl: string;
  readonly dataDirectory: string;
}

@Module({ controllers: [ApiController, PlaygroundController, SessionController, KeysController, AccountsController] })
export class AppModule {
  static with({ provider, gitHub, misbehaving, log, sentCookies, pageUrl, dataDirectory }: AppParts): DynamicModule {
    const mails = new KeptMails();
    return {
      module: AppModule,
      imports: [
        // This is all that an app needs. Every route requires a token unless a decorator states otherwise.
        AuthModule.forRoot({
          issuers: [
            oidc({ issuer: provider.issuer, audience: apiAudience, tokenType: 'at+jwt' }),
            ownTokens(),
            apiKeys(),
          ],
          publicUrl: pageUrl,
          // A request with a token of the provider may have the cookies of a session as well.
          tokenFrom: firstOf(fromBearer(), fromHeader('x-api-key'), fromSessionCookie()),
          guardEverything: true,
          // The times are short, so that the page can show a profile becoming stale.
          profiles: { freshForSeconds: 15 },
        }),
        // An app that only verifies the tokens of a provider needs none of these, nor ownTokens(), apiKeys(), publicUrl and tokenFrom.
        LoginModule.forRoot({
          providers: [provider.loginProvider, gitHub.loginProvider, misbehaving.loginProvider],
          returnTo: pageUrl,
          // So that the page can experiment with the access token of the OpenID provider.
          keepTokens: true,
        }),
        AccountsModule.forRoot({
          anonymous: true,
          mail: mails,
          onEvent: DemoAccounts,
          passkeys: { rpId: new URL(pageUrl).hostname, rpName: 'Gatehouse playground', origins: [pageUrl] },
          // The page sends the code of a link back by POST. An app has further pages, as for forgotten passwords.
          links: { verifyEmail: `${pageUrl}/?verify={code}`, magicLink: `${pageUrl}/?magic={code}` },
        }),
        SessionsModule.forRoot({ accessToken: { lifetimeSeconds: accessTokenSeconds } }),
        ApiKeysModule.forRoot({ prefix: 'demo', tokenEndpoint: true }),
        SqlStoresModule.forRoot({ database: embeddedPostgres({ directory: dataDirectory }) }),
      ],
      providers: [
        DemoAccounts,
        { provide: KeptMails, useValue: mails },
        { provide: DemoProvider, useValue: provider },
        { provide: MisbehavingProvider, useValue: misbehaving },
        { provide: RequestLog, useValue: log },
        { provide: SentCookies, useValue: sentCookies },
        { provide: PageAddress, useValue: new PageAddress(pageUrl) },
      ],
    };
  }
}

/** The lifetime of the app's own access tokens is short, so that the page can show one expiring. */
const accessTokenSeconds = 120;
