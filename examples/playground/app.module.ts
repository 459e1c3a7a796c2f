import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule, oidc } from 'nest-gatehouse';
import { ApiController } from './api.controller.js';
import { PlaygroundController } from './playground.controller.js';
import { apiAudience } from './provider/api-audience.js';
import { DemoProvider } from './provider/demo-provider.js';
import { PageAddress } from './page-address.js';
import { RequestLog } from './request-log.js';

export interface AppParts {
  readonly provider: DemoProvider;
  readonly log: RequestLog;
  readonly pageUrl: string;
}

@Module({ controllers: [ApiController, PlaygroundController] })
export class AppModule {
  static with({ provider, log, pageUrl }: AppParts): DynamicModule {
    return {
      module: AppModule,
      imports: [
        // This is all that an app needs. Every route requires a token unless a decorator states otherwise.
        AuthModule.forRoot({
          issuers: oidc({ issuer: provider.issuer, audience: apiAudience, tokenType: 'at+jwt' }),
          guardEverything: true,
          // The times are short, so that the page can show a profile becoming stale.
          profiles: { freshForSeconds: 15 },
        }),
      ],
      providers: [
        { provide: DemoProvider, useValue: provider },
        { provide: RequestLog, useValue: log },
        { provide: PageAddress, useValue: new PageAddress(pageUrl) },
      ],
    };
  }
}
