import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type ContextId, ContextIdFactory, MetadataScanner, ModuleRef, ModulesContainer } from '@nestjs/core';

import { ConfigurationError } from '../errors/auth-error.js';
import { createPrivateSlot } from '../request/private-slot.js';
import type { GuardContext } from './guard-context.js';
import { type PolicyInstance, PolicyFactory } from './policy-evaluator.js';
import type { PolicyClass } from './requirement.js';
import { readRequirements } from './route-metadata.js';
import { classChainOf } from './route-rules.js';

/** Nest's `Module`, which Nest does not export. */
type AppModule = ModulesContainer extends ReadonlyMap<string, infer Module> ? Module : never;

type AppClass = NonNullable<unknown> & { readonly prototype: object };

/** How the handlers of one class get the instances of one policy class. */
type Source =
  | { readonly kind: 'singleton'; readonly policy: PolicyInstance }
  | { readonly kind: 'scoped'; readonly moduleRef: ModuleRef; readonly strict: boolean };

/**
 * Gets policies from Nest's injector: one instance for all calls, or one for each request if the policy or one of its
 * dependencies is request-scoped.
 */
@Injectable()
export class Policies extends PolicyFactory implements OnModuleInit {
  /** By the class of the handlers. */
  private readonly sources = new WeakMap<object, Map<PolicyClass, Source>>();
  private readonly contextIds = createPrivateSlot<ContextId>();

  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    super();
  }

  /**
   * Finds the policies of all handlers when the app starts.
   *
   * @throws {ConfigurationError} if one of them is not provided.
   */
  onModuleInit(): void {
    const scanner = new MetadataScanner();
    for (const module of this.modules.values()) {
      for (const { metatype } of [...module.controllers.values(), ...module.providers.values()]) {
        if (!isClass(metatype)) continue;
        for (const type of policiesOf(metatype, scanner)) this.remember(metatype, type, this.find(type, module));
      }
    }
  }

  override get(type: PolicyClass, guardContext: GuardContext): PolicyInstance | Promise<PolicyInstance> {
    const handlerClass = guardContext.context.getClass();
    const source =
      this.sources.get(handlerClass)?.get(type) ?? this.remember(handlerClass, type, this.find(type, null));
    return source.kind === 'singleton' ? source.policy : this.resolve(type, source, guardContext);
  }

  private remember(handlerClass: object, type: PolicyClass, source: Source): Source {
    const sources = this.sources.get(handlerClass) ?? new Map<PolicyClass, Source>();
    this.sources.set(handlerClass, sources.set(type, source));
    return source;
  }

  /** Prefers the provider in the module of the handler to one in any other module, as Nest does for the dependencies of a guard. */
  private find(type: PolicyClass, module: AppModule | null): Source {
    const ownModuleRef = module?.providers.has(type) === true ? module.providers.get(ModuleRef)?.instance : undefined;
    const strict = ownModuleRef !== undefined;
    const moduleRef = strict ? (ownModuleRef as ModuleRef) : this.moduleRef;
    if (!this.isProvided(type)) throw notProvided(type, module?.name);
    let policy: unknown;
    try {
      policy = moduleRef.get<unknown>(type, { strict });
    } catch {
      // The class is provided, so `get` throws only because the provider is request-scoped or transient.
      return { kind: 'scoped', moduleRef, strict };
    }
    checkPolicy(type, policy);
    return { kind: 'singleton', policy };
  }

  private isProvided(type: PolicyClass): boolean {
    try {
      this.moduleRef.introspect(type as never);
      return true;
    } catch {
      return false;
    }
  }

  private async resolve(
    type: PolicyClass,
    { moduleRef, strict }: Extract<Source, { kind: 'scoped' }>,
    { transport, context, view }: GuardContext,
  ): Promise<PolicyInstance> {
    const contextId = this.contextIdOf(transport.injectorRequest?.(context) ?? view.request);
    const policy: unknown = await moduleRef.resolve<unknown>(type, contextId, { strict });
    checkPolicy(type, policy);
    return policy;
  }

  /** The id of the request's dependency injection context, so that a policy shares request-scoped providers with the handler. */
  private contextIdOf(request: object): ContextId {
    const contextId = ContextIdFactory.getByRequest(request);
    // For a request that has no id yet, `getByRequest` creates a new one at each call. The same id twice is one that Nest has
    // assigned, and Nest has registered the request under it.
    if (ContextIdFactory.getByRequest(request) === contextId) return contextId;
    const known = this.contextIds.find(request);
    if (known !== undefined) return known;
    this.moduleRef.registerRequestByContextId(request, contextId);
    this.contextIds.set(request, contextId);
    return contextId;
  }
}

/** The policy classes that a class and its handlers require. */
function policiesOf(type: AppClass, scanner: MetadataScanner): readonly PolicyClass[] {
  const handlers = scanner.getAllMethodNames(type.prototype).map((name) => Reflect.get(type.prototype, name) as object);
  return [...classChainOf(type), ...handlers]
    .flatMap(readRequirements)
    .flatMap((requirement) =>
      requirement.kind === 'policy' && requirement.policy.made === 'by-injector' ? [requirement.policy.type] : [],
    );
}

function isClass(value: unknown): value is AppClass {
  if (typeof value !== 'function') return false;
  const prototype: unknown = value.prototype;
  return typeof prototype === 'object' && prototype !== null;
}

function checkPolicy(type: PolicyClass, policy: unknown): asserts policy is PolicyInstance {
  const hasCheck =
    typeof policy === 'object' && policy !== null && 'check' in policy && typeof policy.check === 'function';
  if (hasCheck) return;
  throw new ConfigurationError(
    `@RequirePolicy(${type.name})`,
    'the instance that the app provides has no method check',
    'Write a method check(user, context) that returns true or false',
  );
}

function notProvided(type: PolicyClass, moduleName: string | undefined): ConfigurationError {
  return new ConfigurationError(
    `@RequirePolicy(${type.name})`,
    'no module provides it',
    `Add ${type.name} to the providers of ${moduleName ?? 'the module whose handlers it guards'}`,
  );
}
