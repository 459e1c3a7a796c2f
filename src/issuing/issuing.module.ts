import { Inject, Module, type NestModule } from '@nestjs/common';

import { AdapterRoutesModule } from './adapter-routes.module.js';
import { AdapterRoutes } from './adapter-routes.service.js';
import { AuthorizationServerMetadata } from './authorization-server-metadata.js';

/**
 * What the modules share that issue tokens: their routes and the metadata of the app. Each of them imports it; Nest creates
 * it once.
 */
@Module({
  imports: [AdapterRoutesModule],
  providers: [AuthorizationServerMetadata],
  exports: [AdapterRoutesModule, AuthorizationServerMetadata],
})
export class IssuingModule implements NestModule {
  constructor(@Inject(AdapterRoutes) private readonly routes: AdapterRoutes) {}

  /** Called by Nest after the middleware of the app was added, and before its controllers are. */
  configure(): void {
    this.routes.register();
  }
}
