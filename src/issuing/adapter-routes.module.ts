import { Module } from '@nestjs/common';

import { AdapterRoutes } from './adapter-routes.service.js';
import { RouteClaims } from './route-claims.js';

/** The routes that the modules of this package put on the HTTP adapter. Nest creates it once; a module that adds routes calls `register`. */
@Module({ providers: [RouteClaims, AdapterRoutes], exports: [RouteClaims, AdapterRoutes] })
export class AdapterRoutesModule {}
