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
 * Stops an app at start if a route requires a capability that no issuer has, or that its transport has not; otherwise every
 * request to the route would end in a 500 or a refusal. What issuers can do is not checked where the app has replaced the
 * `Authenticator`.
 */
export class CapabilityCheck implements OnApplicationBootstrap {
  constructor(
    private readonly handlerInventory: HandlerInventory,
    private readonly missing: MissingCapabilities,
    private readonly authenticator: Authenticator,
  ) {}

  /** Called by Nest before the app listens. @throws {ConfigurationError} naming the handler and the option. */
  onApplicationBootstrap(): void {
    const handlers = this.handlerInventory.list();
    checkOrganizations(handlers);
    const { online, profile } = this.missing;
    if (!(this.authenticator instanceof RequestAuthenticator)) return;
    if (online !== null) checkNone('@VerifyOnline()', online, handlers.find(requiresOnline));
    if (profile !== null) checkNone('@RequireProfile()', profile, handlers.find(requiresProfile));
  }
}

function checkNone(decorator: string, { option, hint }: MissingOption, info: HandlerInfo | undefined): void {
  if (info === undefined) return;
  throw new ConfigurationError(option, `${info.handler} requires ${decorator}, which no issuer supports`, hint);
}

/** Neither a handshake nor a message of a gateway has route parameters, so no caller would ever be a member. */
function checkOrganizations(handlers: readonly HandlerInfo[]): void {
  const info = handlers.find(({ kind, requirements }) => kind === 'websocket' && namesByParameter(requirements));
  if (info === undefined) return;
  throw new ConfigurationError(
    '@RequireOrganization({ param })',
    `${info.handler} is a handler of a gateway, whose messages have no route parameters`,
    'Write @RequireOrganization({ id: (context) => … }), which names the organization',
  );
}

function namesByParameter(requirements: HandlerInfo['requirements']): boolean {
  return (
    requirements?.all.some((requirement) => requirement.kind === 'organization' && 'param' in requirement.from) === true
  );
}

function requiresOnline({ requirements }: HandlerInfo): boolean {
  return requirements?.online === true;
}

function requiresProfile({ requirements }: HandlerInfo): boolean {
  return requirements?.all.some(({ kind }) => kind === 'profile') === true;
}
