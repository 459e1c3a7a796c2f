import { Inject, Injectable } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';

/** A handler that a library calls in a context of its own type. */
export interface ExternalHandler {
  /** The type of the context, as the library has named it: `rmq`. */
  readonly contextType: string;
  readonly ofClass: abstract new (...parts: never[]) => object;
  readonly name: string;
  readonly method: object & { readonly name: string };
  /** Whether Nest runs guards for it. */
  readonly runsGuards: boolean;
}

type Create = (...parts: readonly unknown[]) => unknown;

/**
 * Notes the handlers of other libraries, which have no metadata in common. Each of these libraries creates the contexts of its
 * handlers by Nest's `ExternalContextCreator`, when the modules are initialized or the app starts.
 */
@Injectable()
export class ExternalHandlers {
  private readonly handlers = new Map<string, ExternalHandler>();
  private onCreated: ((handler: ExternalHandler) => void) | null = null;

  constructor(@Inject(ExternalContextCreator) creator: ExternalContextCreator) {
    const target = creator as unknown as { create: Create };
    const create = target.create.bind(creator);
    target.create = (...parts) => {
      this.note(parts);
      return create(...parts);
    };
  }

  list(): readonly ExternalHandler[] {
    return [...this.handlers.values()];
  }

  /** Calls a listener for each handler that is created from now on. What it throws stops the library that creates the handler. */
  watch(listener: (handler: ExternalHandler) => void): void {
    this.onCreated = listener;
  }

  /** The parameters are those of `ExternalContextCreator.create`. */
  private note([instance, method, name, , , , , options, contextType = 'http']: readonly unknown[]): void {
    // The inventory finds the handlers of GraphQL by their decorators.
    if (
      typeof instance !== 'object' ||
      instance === null ||
      typeof method !== 'function' ||
      contextType === 'graphql'
    ) {
      return;
    }
    const ofClass = instance.constructor as ExternalHandler['ofClass'];
    const { guards: runsGuards = true } = (options ?? {}) as { readonly guards?: boolean };
    const handler = { contextType: String(contextType), ofClass, name: String(name), method, runsGuards };
    const key = `${handler.contextType} ${ofClass.name}.${handler.name}`;
    // Handlers of request-scoped classes are created again for each call.
    if (this.handlers.has(key)) return;
    this.handlers.set(key, handler);
    this.onCreated?.(handler);
  }
}
