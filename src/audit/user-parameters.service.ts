import { Logger, type OnApplicationBootstrap } from '@nestjs/common';

import type { HandlerInfo, HandlerInventory } from './handler-inventory.service.js';

/**
 * Warns at start about handlers that read a user where there never is one. Otherwise such a handler fails with a TypeError at its
 * first request, which does not name the reason.
 */
export class UserParameters implements OnApplicationBootstrap {
  private readonly logger = new Logger('Gatehouse');

  constructor(
    private readonly handlerInventory: HandlerInventory,
    /** Whether the app serves callers. */
    private readonly servesCallers: () => boolean,
  ) {}

  /** Called by Nest before the app listens. */
  onApplicationBootstrap(): void {
    if (!this.servesCallers()) return;
    for (const info of this.handlerInventory.list()) {
      const reason = this.handlerInventory.readsUser(info) ? this.findReason(info) : undefined;
      if (reason === undefined) continue;
      this.logger.warn(
        `${info.handler} (${info.addresses.join(', ')}) ${reason}, so @CurrentUser() gives null there, unless a middleware sets request.user. Use @OptionalAuth() or ` +
          '@UseGuards(AuthGuard) where the handler needs the user, or remove the parameter',
      );
    }
  }

  /** Why there is no user; `undefined` where there may be one. */
  private findReason(info: HandlerInfo): string | undefined {
    if (info.protection === 'public') return 'is public';
    if (info.protection !== 'unguarded' || this.handlerInventory.hasAnyGuard(info)) return undefined;
    // A field may have the user of the field that contains it, and a message on a socket that of the handshake.
    return info.kind === 'http' || info.kind === 'message' ? 'has no guard' : undefined;
  }
}
