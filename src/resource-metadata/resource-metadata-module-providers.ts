import type { Provider } from '@nestjs/common';

import { HandlerInventory } from '../audit/handler-inventory.service.js';
import { acceptingTokens } from '../issuers/identity-provider.js';
import { AdapterRoutes } from '../issuing/adapter-routes.service.js';
import { AUTH_MODULE_OPTIONS } from '../read-auth-options.js';
import type { ResolvedAuthOptions } from '../resolve-auth-options.js';
import { EventLog } from '../telemetry/event-log.service.js';
import { resourceRoutes } from './resource-routes.js';

/** The `AdapterRoutes` with the metadata of the app's resources; `null` in an app without resources. */
export const RESOURCE_ROUTES = Symbol('nest-gatehouse.resource-routes');

export const resourceMetadataProviders: Provider[] = [
  {
    provide: RESOURCE_ROUTES,
    inject: [AUTH_MODULE_OPTIONS, HandlerInventory, EventLog, AdapterRoutes],
    useFactory: addRoutes,
  },
];

/** @returns `null` where there is nothing to publish, so that nothing is put on the HTTP adapter */
function addRoutes(
  { where, resources, providers, sources, dpop }: ResolvedAuthOptions,
  inventory: HandlerInventory,
  { report }: EventLog,
  adapterRoutes: AdapterRoutes,
): AdapterRoutes | null {
  if (resources === null) return null;
  const issuers = acceptingTokens(providers).flatMap((provider) => provider.issuers.map(({ terms }) => terms.issuer));
  adapterRoutes.add(
    where,
    resourceRoutes({ resources, issuers, sources, dpop: dpop.mode, listHandlers: () => inventory.list() }),
    report,
  );
  return adapterRoutes;
}
