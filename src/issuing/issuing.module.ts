import { Inject, Module, type NestModule } from '@nestjs/common';

import { AdapterRoutes } from './adapter-routes.service.js';
import { AuthorizationServerMetadata } from './authorization-server-metadata.js';
import { RouteClaims } from './route-claims.js';

/**
 * What the modules share that issue tokens: their routes and the metadata of the app. Each of them imports it; Nest creates
 * it once.
 */
@Module({
  providers: [RouteClaims, AdapterRoutes, AuthorizationServerMetadata],
  exports: [RouteClaims, AdapterRoutes, AuthorizationServerMetadata],
})
export class IssuingModule implements NestModule {
  constructor(@Inject(AdapterRoutes) private readonly routes: AdapterRoutes) {}

  /** Called by Nest after the middleware of the app was added, and before its controllers are. */
  configure(): void {
    this.routes.register();
  }
}
