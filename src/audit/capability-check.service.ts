import type { OnApplicationBootstrap } from '@nestjs/common';

import { ConfigurationError } from '../errors/auth-error.js';
import type { Authenticator } from '../authentication/authenticator.js';
import { RequestAuthenticator } from '../authentication/request-authenticator.js';
import type { MissingOption } from '../upstream/auth-context.js';
import type { HandlerInfo, HandlerInventory } from './handler-inventory.service.js';

/** What no issuer of the app can do as it is configured; `null` where one of them can. */
export interface MissingCapabilities {
  readonly online: MissingOption | null;
  readonly profile: MissingOption | null;
}

/**
 * Stops an app whose routes ask of the issuers what none of them can do: else each request there would end in a 500. With
 * an `Authenticator` of the app's own, it is that one's to know.
 */
export class CapabilityCheck implements OnApplicationBootstrap {
  constructor(
    private readonly handlerInventory: HandlerInventory,
    private readonly lacking: MissingCapabilities,
    private readonly authenticator: Authenticator,
  ) {}

  /** Called by Nest before the app listens. @throws {ConfigurationError} naming the handler and the option. */
  onApplicationBootstrap(): void {
    const { online, profile } = this.lacking;
    if ((online === null && profile === null) || !(this.authenticator instanceof RequestAuthenticator)) return;
    const entries = this.handlerInventory.list();
    if (online !== null) refuse('@VerifyOnline()', online, entries.find(asksOnline));
    if (profile !== null) refuse('@RequireProfile()', profile, entries.find(asksForProfile));
  }
}

function refuse(mark: string, { option, hint }: MissingOption, entry: HandlerInfo | undefined): void {
  if (entry === undefined) return;
  throw new ConfigurationError(option, `${entry.handler} requires ${mark}, and no issuer can be asked for it`, hint);
}

function asksOnline({ requirements }: HandlerInfo): boolean {
  return requirements?.online === true;
}

function asksForProfile({ requirements }: HandlerInfo): boolean {
  return requirements?.all.some(({ kind }) => kind === 'profile') === true;
}
