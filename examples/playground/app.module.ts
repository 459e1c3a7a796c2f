import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule, firstOf, fromBearer, fromHeader, oidc } from 'nest-gatehouse';
import { AccountsModule } from 'nest-gatehouse/accounts';
import { apiKeys, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { fromSessionCookie, ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { embeddedPostgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { AccountsController } from './accounts.controller.js';
import { ApiController } from './api.controller.js';
import { DemoAccounts } from './demo-accounts.js';
import { KeptMails } from './kept-mails.js';
import { KeysController } from './keys.controller.js';
import { PlaygroundController } from './playground.controller.js';
import { apiAudience } from './provider/api-audience.js';
import { DemoProvider } from './provider/demo-provider.js';
import { PageAddress } from './page-address.js';
import { RequestLog } from './request-log.js';
import { SentCookies } from './sent-cookies.js';
import { SessionController } from './session.controller.js';

export interface AppParts {
  readonly provider: DemoProvider;
  readonly log: RequestLog;
  readonly sentCookies: SentCookies;
  readonly pageUrl: string;
  readonly dataDirectory: string;
}

@Module({ controllers: [ApiController, PlaygroundController, SessionController, KeysController, AccountsController] })
export class AppModule {
  static with({ provider, log, sentCookies, pageUrl, dataDirectory }: AppParts): DynamicModule {
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
          // Whoever exchanges a new token of the provider may have the cookies of an earlier session still.
          tokenFrom: firstOf(fromBearer(), fromHeader('x-api-key'), fromSessionCookie()),
          guardEverything: true,
          // The times are short, so that the page can show a profile becoming stale.
          profiles: { freshForSeconds: 15 },
        }),
        // An app that only verifies the tokens of a provider needs none of these, nor ownTokens(), apiKeys(), publicUrl and tokenFrom.
        AccountsModule.forRoot({
          anonymous: true,
          mail: mails,
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
        { provide: RequestLog, useValue: log },
        { provide: SentCookies, useValue: sentCookies },
        { provide: PageAddress, useValue: new PageAddress(pageUrl) },
      ],
    };
  }
}

/** The lifetime of the app's own access tokens is short, so that the page can show one expiring. */
const accessTokenSeconds = 120;
