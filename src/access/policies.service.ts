import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type ContextId, ContextIdFactory, MetadataScanner, ModuleRef, ModulesContainer } from '@nestjs/core';

import { readRequirements } from './route-metadata.js';
import type { PolicyClass } from './requirement.js';
import { lineageOf } from './route-rules.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { type PolicyInstance, PolicyFactory } from './policy-evaluator.js';
import type { GuardContext } from './guard-context.js';

/** Nest's module, as far as it is looked into. */
type AppModule = ModulesContainer extends ReadonlyMap<string, infer Module> ? Module : never;

/** A class of the app. */
type AppClass = NonNullable<unknown> & { readonly prototype: object };

/** Where the instances of one policy class come from, for the handlers of one class. */
type Source =
  | { readonly kind: 'made'; readonly policy: PolicyInstance }
  | { readonly kind: 'made-for-each'; readonly moduleRef: ModuleRef; readonly strict: boolean };

/** Policies by Nest's injector: one for all, or one for each request where they or what they inject are scoped so. */
@Injectable()
export class Policies extends PolicyFactory implements OnModuleInit {
  private readonly sources = new WeakMap<object, Map<PolicyClass, Source>>();
  private readonly contextIds = createPrivateSlot<ContextId>();

  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    super();
  }

  /** Looks for every policy that is demanded anywhere, so that a missing one stops the app. @throws {ConfigurationError} */
  onModuleInit(): void {
    const scanner = new MetadataScanner();
    for (const module of this.modules.values()) {
      for (const { metatype } of [...module.controllers.values(), ...module.providers.values()]) {
        if (!isClass(metatype)) continue;
        for (const type of policiesOf(metatype, scanner)) this.keep(metatype, type, this.find(type, module));
      }
    }
  }

  override get(type: PolicyClass, guardContext: GuardContext): PolicyInstance | Promise<PolicyInstance> {
    const of = guardContext.context.getClass();
    const source = this.sources.get(of)?.get(type) ?? this.keep(of, type, this.find(type, null));
    return source.kind === 'made' ? source.policy : this.make(type, source, guardContext);
  }

  private keep(of: object, type: PolicyClass, source: Source): Source {
    const ofClass = this.sources.get(of) ?? new Map<PolicyClass, Source>();
    this.sources.set(of, ofClass.set(type, source));
    return source;
  }

  /** In the module of the handler, where it is provided there, else in any: as with what a guard injects. */
  private find(type: PolicyClass, module: AppModule | null): Source {
    const own = module?.providers.has(type) === true ? module.providers.get(ModuleRef)?.instance : undefined;
    const strict = own !== undefined;
    const moduleRef = strict ? (own as ModuleRef) : this.moduleRef;
    if (!this.isProvided(type)) throw notProvided(type, module?.name);
    let policy: unknown;
    try {
      policy = moduleRef.get<unknown>(type, { strict });
    } catch {
      // Nest hands out nothing here that is made for each request.
      return { kind: 'made-for-each', moduleRef, strict };
    }
    checkPolicy(type, policy);
    return { kind: 'made', policy };
  }

  private isProvided(type: PolicyClass): boolean {
    try {
      this.moduleRef.introspect(type as never);
      return true;
    } catch {
      return false;
    }
  }

  private async make(
    type: PolicyClass,
    { moduleRef, strict }: Extract<Source, { kind: 'made-for-each' }>,
    { transport, context, view }: GuardContext,
  ): Promise<PolicyInstance> {
    const contextId = this.contextIdOf(transport.injectorRequest?.(context) ?? view.request);
    const policy: unknown = await moduleRef.resolve<unknown>(type, contextId, { strict });
    checkPolicy(type, policy);
    return policy;
  }

  /** The id under which the request's other providers are made, too, where Nest has given one already. */
  private contextIdOf(request: object): ContextId {
    const contextId = ContextIdFactory.getByRequest(request);
    // Given by Nest, it is the same whenever it is asked for, and the request stands registered under it.
    if (ContextIdFactory.getByRequest(request) === contextId) return contextId;
    const known = this.contextIds.find(request);
    if (known !== undefined) return known;
    this.moduleRef.registerRequestByContextId(request, contextId);
    this.contextIds.set(request, contextId);
    return contextId;
  }
}

/** The policies that a class and its handlers demand. */
function policiesOf(type: AppClass, scanner: MetadataScanner): readonly PolicyClass[] {
  const handlers = scanner.getAllMethodNames(type.prototype).map((name) => Reflect.get(type.prototype, name) as object);
  return [...lineageOf(type), ...handlers]
    .flatMap(readRequirements)
    .flatMap((demand) =>
      demand.kind === 'policy' && demand.policy.made === 'by-injector' ? [demand.policy.type] : [],
    );
}

function isClass(value: unknown): value is AppClass {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  return typeof prototype === 'object' && prototype !== null;
}

function checkPolicy(type: PolicyClass, policy: unknown): asserts policy is PolicyInstance {
  const checks =
    typeof policy === 'object' && policy !== null && 'check' in policy && typeof policy.check === 'function';
  if (checks) return;
  throw new ConfigurationError(
    `@RequirePolicy(${type.name})`,
    'what the app provides for it has no method check',
    'Write check(user, context), which gives true or false',
  );
}

function notProvided(type: PolicyClass, moduleName: string | undefined): ConfigurationError {
  return new ConfigurationError(
    `@RequirePolicy(${type.name})`,
    'no module provides it',
    `Add ${type.name} to the providers of ${moduleName ?? 'the module whose handlers it guards'}`,
  );
}
