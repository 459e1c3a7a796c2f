/** Apps with the routes of `issuing/`, which the modules of the package register that issue tokens. */
import { Controller, Inject, Module, Post, Req, type Type } from '@nestjs/common';
import { ConfigurationError } from '../../src/errors/auth-error.js';
import { AdapterRoutes } from '../../src/issuing/adapter-routes.service.js';
import { AuthorizationServerMetadata } from '../../src/issuing/authorization-server-metadata.js';
import { issuerRoutes } from '../../src/issuing/issuer-routes.js';
import { IssuingModule } from '../../src/issuing/issuing.module.js';
import { OwnKeySource } from '../../src/issuing/own-key-source.js';
import { ReadsBody } from '../../src/issuing/reads-body.decorator.js';
import { readJsonBody } from '../../src/issuing/request-body.js';
import { RouteClaims } from '../../src/issuing/route-claims.js';
import type { SigningKeys } from '../../src/issuing/signing-keys.js';
import type { App } from './shared-signing-keys.js';

export interface Issuing {
  readonly app: App;
  readonly findSigningKeys: () => SigningKeys;
  readonly issuer?: string;
  readonly publicUrl?: string;
}

/** A module that publishes the keys of the app, as `SessionsModule` does. */
export function publishingModule(issuing: Issuing): Type {
  const { app, findSigningKeys, issuer = 'https://api.example.com', publicUrl = 'https://api.example.com' } = issuing;
  const report = (event: App['events'][number]): unknown => app.events.push(event);
  const source = new OwnKeySource({ findSigningKeys, clock: app.clock, report });

  @Module({ imports: [IssuingModule] })
  class PublishingModule {
    constructor(
      @Inject(AdapterRoutes) routes: AdapterRoutes,
      @Inject(AuthorizationServerMetadata) metadata: AuthorizationServerMetadata,
    ) {
      const published = (): ReturnType<OwnKeySource['published']> => source.published();
      routes.add('PublishingModule', issuerRoutes({ issuer, publicUrl, published, metadata }), report);
    }
  }

  return PublishingModule;
}

/** A module that adds to the metadata, and to the routes where some are given. */
export function contributingModule(owner: string, members: object, routes: readonly string[] = []): Type {
  @Module({ imports: [IssuingModule] })
  class ContributingModule {
    constructor(
      @Inject(AuthorizationServerMetadata) metadata: AuthorizationServerMetadata,
      @Inject(RouteClaims) claims: RouteClaims,
    ) {
      metadata.contribute(owner, { ...members });
      claims.claim(owner, routes);
    }
  }

  return ContributingModule;
}

/** `POST /body` answers with what it has read. */
@Controller()
class BodyController {
  @Post(['body', 'body/:id'])
  @ReadsBody()
  async read(@Req() request: object): Promise<object> {
    return { read: await readJsonBody(request) };
  }
}

/** The same without the mark, as a handler of the app's own. */
@Controller()
class PlainController {
  @Post('plain')
  read(@Req() { body }: { readonly body: unknown }): object {
    return { body: body ?? null };
  }
}

/** A module with a handler that reads its body itself. */
@Module({ imports: [IssuingModule], controllers: [BodyController, PlainController] })
export class BodyModule {}

/** Looks for keys in an app without a store. */
export function findNothing(): never {
  throw new ConfigurationError('SessionsModule', 'there is no store', 'Import SqlStoresModule');
}
