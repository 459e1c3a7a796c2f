import { Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { nameOf } from '../access/requirement.js';
import { ConfigurationError } from '../errors/auth-error.js';
import type { HandlerInfo, Protection, HandlerInventory } from './handler-inventory.service.js';
import type { ResolvedRouteAudit } from './route-audit-options.js';

const protections: readonly Protection[] = ['protected', 'optional', 'public', 'unguarded'];

/** Writes down, when the app starts, what stands before each of its handlers. */
export class RouteAudit implements OnApplicationBootstrap {
  private readonly logger = new Logger('Gatehouse');

  constructor(
    private readonly handlerInventory: HandlerInventory,
    private readonly options: ResolvedRouteAudit | null,
  ) {}

  /** Called by Nest before the app listens. @throws {ConfigurationError} in strict mode, for unguarded handlers. */
  onApplicationBootstrap(): void {
    if (this.options === null) return;
    const entries = this.handlerInventory.list(this.options);
    const unguarded = entries.filter(({ protection }) => protection === 'unguarded');
    this.logger.log(summaryOf(entries));
    for (const entry of entries) {
      if (entry.protection === 'unguarded') this.logger.warn(describeHandler(entry));
      else this.logger.log(describeHandler(entry));
    }
    if (this.options.strict && unguarded.length > 0) throw explainUnguarded(unguarded);
  }
}

/** One line: `protected  GET /cats  CatsController.list  (scopes: cats:read)`. */
function describeHandler({ protection, addresses, handler, requirements }: HandlerInfo): string {
  const asked =
    requirements === null ? [] : [...(requirements.online ? ['asks the issuer'] : []), ...requirements.all.map(nameOf)];
  const line = `${protection.padEnd('unguarded'.length)}  ${addresses.join(', ')}  ${handler}`;
  return asked.length === 0 ? line : `${line}  (${asked.join('; ')})`;
}

function summaryOf(entries: readonly HandlerInfo[]): string {
  const counts = protections.map(
    (protection) => `${entries.filter((entry) => entry.protection === protection).length} ${protection}`,
  );
  return `Route audit: ${counts.join(', ')}`;
}

function explainUnguarded(entries: readonly HandlerInfo[]): ConfigurationError {
  return new ConfigurationError(
    'AuthModule.forRoot({ routeAudit: { strict } })',
    `no guard stands before ${entries.map(({ handler, addresses }) => `${handler} (${addresses.join(', ')})`).join(', ')}`,
    'Write @UseGuards(AuthGuard) or one of the @Require… marks there, @Public() where everybody may call, or guardEverything',
  );
}
