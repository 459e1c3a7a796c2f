import { Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { nameOf } from '../access/requirement.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { HandlerInfo, Protection, HandlerInventory } from './handler-inventory.service.js';
import type { ResolvedRouteAudit } from './route-audit-options.js';

const protections: readonly Protection[] = ['protected', 'optional', 'public', 'unguarded'];

/** Logs the protection of each handler when the app starts. */
export class RouteAudit implements OnApplicationBootstrap {
  private readonly logger = new Logger('Gatehouse');

  constructor(
    private readonly handlerInventory: HandlerInventory,
    private readonly options: ResolvedRouteAudit | null,
    /** Whether the app serves callers: a command, which serves none, does not list its routes. */
    private readonly servesCallers: () => boolean,
  ) {}

  /** Called by Nest before the app listens. @throws {ConfigurationError} in strict mode, for unguarded handlers. */
  onApplicationBootstrap(): void {
    if (this.options === null || !this.servesCallers()) return;
    const handlers = this.handlerInventory.list(this.options);
    const unguarded = handlers.filter(({ protection }) => protection === 'unguarded');
    this.logger.log(summaryOf(handlers));
    for (const info of handlers) this.write(info);
    const { strict } = this.options;
    if (strict && unguarded.length > 0) throw explainUnguarded(unguarded);
    // Some libraries create their handlers after this.
    this.handlerInventory.watch(this.options, (info) => {
      this.write(info);
      if (strict && info.protection === 'unguarded') throw explainUnguarded([info]);
    });
  }

  private write(info: HandlerInfo): void {
    if (info.protection === 'unguarded') this.logger.warn(describeHandler(info));
    else this.logger.log(describeHandler(info));
  }
}

/** Writes a handler as one line: `protected  GET /cats  CatsController.list  (scopes: cats:read)`. */
function describeHandler({ protection, addresses, handler, requirements }: HandlerInfo): string {
  const required =
    requirements === null ? [] : [...(requirements.online ? ['asks the issuer'] : []), ...requirements.all.map(nameOf)];
  const line = `${protection.padEnd('unguarded'.length)}  ${addresses.join(', ')}  ${handler}`;
  return required.length === 0 ? line : `${line}  (${required.join('; ')})`;
}

function summaryOf(handlers: readonly HandlerInfo[]): string {
  const counts = protections.map(
    (protection) => `${handlers.filter((info) => info.protection === protection).length} ${protection}`,
  );
  return `Route audit: ${counts.join(', ')}`;
}

function explainUnguarded(unguarded: readonly HandlerInfo[]): ConfigurationError {
  const names = unguarded.map(({ handler, addresses }) => `${handler} (${addresses.join(', ')})`);
  return new ConfigurationError(
    'AuthModule.forRoot({ routeAudit: { strict } })',
    `no guard protects ${names.join(', ')}`,
    'Add @UseGuards(AuthGuard) or a @Require… decorator, @Public() where any client may call, or set guardEverything',
  );
}
