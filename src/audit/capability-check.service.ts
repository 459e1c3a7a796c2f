import type { OnApplicationBootstrap } from '@nestjs/common';

import { ConfigurationError } from '../errors/auth-error.js';
import type { Authenticator } from '../authentication/authenticator.js';
import { RequestAuthenticator } from '../authentication/request-authenticator.js';
import type { MissingOption } from '../upstream/auth-context.js';
import type { HandlerInfo, HandlerInventory } from './handler-inventory.service.js';

/** The capabilities that nothing in the app has, with the option that an issuer lacks; `null` where an issuer or a scheme has it. */
export interface MissingCapabilities {
  readonly online: MissingOption | null;
  readonly profile: MissingOption | null;
}

/**
 * Stops an app at start if a route requires a capability that no issuer has; otherwise every request to the route would
 * end in a 500. The check does not apply where the app has replaced the `Authenticator`.
 */
export class CapabilityCheck implements OnApplicationBootstrap {
  constructor(
    private readonly handlerInventory: HandlerInventory,
    private readonly missing: MissingCapabilities,
    private readonly authenticator: Authenticator,
  ) {}

  /** Called by Nest before the app listens. @throws {ConfigurationError} naming the handler and the option. */
  onApplicationBootstrap(): void {
    const { online, profile } = this.missing;
    if ((online === null && profile === null) || !(this.authenticator instanceof RequestAuthenticator)) return;
    const handlers = this.handlerInventory.list();
    if (online !== null) checkNone('@VerifyOnline()', online, handlers.find(requiresOnline));
    if (profile !== null) checkNone('@RequireProfile()', profile, handlers.find(requiresProfile));
  }
}

function checkNone(decorator: string, { option, hint }: MissingOption, info: HandlerInfo | undefined): void {
  if (info === undefined) return;
  throw new ConfigurationError(option, `${info.handler} requires ${decorator}, which no issuer supports`, hint);
}

function requiresOnline({ requirements }: HandlerInfo): boolean {
  return requirements?.online === true;
}

function requiresProfile({ requirements }: HandlerInfo): boolean {
  return requirements?.all.some(({ kind }) => kind === 'profile') === true;
}
