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
    const { options } = this;
    if (options === null || !this.servesCallers()) return;
    const handlers = this.handlerInventory.list(options);
    const unguarded = handlers.filter(({ protection }) => protection === 'unguarded');
    this.logger.log(summaryOf(handlers));
    for (const info of handlers) this.write(info);
    const { strict } = options;
    if (strict && unguarded.length > 0) throw explainUnguarded(unguarded, this.handlerInventory, options);
    // Some libraries create their handlers after this.
    this.handlerInventory.watch(options, (info) => {
      this.write(info);
      if (strict && info.protection === 'unguarded') throw explainUnguarded([info], this.handlerInventory, options);
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

/** States only what can help: an option that is set already, or that does not concern these handlers, is left out. */
function explainUnguarded(
  unguarded: readonly HandlerInfo[],
  inventory: HandlerInventory,
  options: ResolvedRouteAudit,
): ConfigurationError {
  const names = unguarded.map(({ handler, addresses }) => `${handler} (${addresses.join(', ')})`);
  const hasGlobal = inventory.hasGlobalGuard(options);
  const advice = [
    'Add @UseGuards(AuthGuard) or a @Require… decorator, or @Public() where any client may call' +
      (hasGlobal ? '' : ', or set guardEverything'),
    ...adviseOtherGuards(unguarded, inventory),
    ...(hasGlobal ? adviseGlobalGuard(unguarded) : []),
    ...adviseContexts(unguarded),
  ];
  const where = 'AuthModule.forRoot({ routeAudit: { strict } })';
  return new ConfigurationError(where, `no guard protects ${names.join(', ')}`, advice.join('. '));
}

function adviseOtherGuards(unguarded: readonly HandlerInfo[], inventory: HandlerInventory): readonly string[] {
  const guards = [...new Set(unguarded.flatMap((info) => inventory.findOtherGuards(info)))];
  if (guards.length === 0) return [];
  return [
    `Guards that are there and do not count: ${guards.join(', ')}. If they authenticate, name their classes in ` +
      "routeAudit: { otherGuards: [ApiKeyGuard, AuthGuard('jwt')] }",
  ];
}

/** Nest runs global guards for HTTP routes and resolvers in any case. */
function adviseGlobalGuard(unguarded: readonly HandlerInfo[]): readonly string[] {
  const kinds = new Set(unguarded.map(({ kind }) => kind));
  const reach = (['message', 'websocket'] as const).filter((kind) => kinds.has(kind)).map((kind) => `'${kind}'`);
  return [
    ...(reach.length === 0
      ? []
      : [
          `Where Nest runs your global guard for them (inheritAppConfig: true for messages, Nest 12 for gateways), set ` +
            `routeAudit: { globalGuardsReach: [${reach.join(', ')}] }`,
        ]),
    ...(kinds.has('graphql')
      ? ["For fields and entities, set fieldResolverEnhancers: ['guards'] of GraphQLModule"]
      : []),
  ];
}

function adviseContexts(unguarded: readonly HandlerInfo[]): readonly string[] {
  const types = new Set(
    unguarded.filter(({ kind }) => kind === 'other').map(({ addresses }) => `'${addresses[0]?.split(' ')[0] ?? ''}'`),
  );
  return types.size === 0
    ? []
    : [`Where no handler of a library needs a user, set unguardedContexts: [${[...types].join(', ')}]`];
}
