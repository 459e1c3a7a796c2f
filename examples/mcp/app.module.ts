import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule, oidc } from 'nest-gatehouse';
import { apiKeys, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { memoryStores } from 'nest-gatehouse/testing';
import { McpController } from './mcp.controller.js';

export interface AppOptions {
  /** The origin of the app. */
  readonly publicUrl: string;
  /** The OpenID provider that people sign in at. */
  readonly issuer: string;
}

@Module({ controllers: [McpController] })
export class AppModule {
  static with({ publicUrl, issuer }: AppOptions): DynamicModule {
    const identifier = `${publicUrl}/mcp`;
    return {
      module: AppModule,
      imports: [
        AuthModule.forRoot({
          // MCP clients of people take the first authorization server that the app names.
          issuers: [oidc({ issuer, audience: identifier, tokenType: 'at+jwt' }), ownTokens(), apiKeys()],
          publicUrl,
          // What clients ask for at first. A tool that needs more says so when it is called.
          resource: { identifier, name: 'Notes', scopes: ['notes:read'] },
        }),
        // Machines get their tokens from the app itself, at /oauth/token, with an API key.
        SessionsModule.forRoot({ audience: [publicUrl, identifier], findSubject: (userId) => ({ id: userId }) }),
        ApiKeysModule.forRoot({ prefix: 'notes', tokenEndpoint: true }),
        // So that the example needs no database. An app keeps keys and sessions in one: SqlStoresModule.
        memoryStores(),
      ],
    };
  }
}
