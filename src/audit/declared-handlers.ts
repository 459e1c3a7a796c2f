import 'reflect-metadata';

import { nestMetadata } from '../guard/nest-internals.js';

/** A method that a framework calls, with the address that clients use. */
export interface DeclaredHandler {
  readonly kind: 'graphql' | 'websocket' | 'message';
  readonly address: string;
  /** Set for field and entity resolvers, for which Nest runs guards only with `fieldResolverEnhancers`. */
  readonly resolves?: 'field' | 'entity';
}

/** Reads the addresses of a method other than HTTP routes; empty when clients cannot call it. */
export function readDeclaredHandlers(of: object, name: string, method: object): readonly DeclaredHandler[] {
  return [
    ...readResolver(name, method),
    ...readFieldOrEntity(of, name, method),
    ...readSubscription(of, method),
    ...readPattern(method),
  ];
}

function readResolver(name: string, method: object): readonly DeclaredHandler[] {
  const type: unknown = Reflect.getMetadata(nestMetadata.resolverType, method);
  // Other types are the parent types of fields.
  if (type !== 'Query' && type !== 'Mutation' && type !== 'Subscription') return [];
  const given: unknown = Reflect.getMetadata(nestMetadata.resolverName, method);
  return [{ kind: 'graphql', address: `${type.toLowerCase()} ${typeof given === 'string' ? given : name}` }];
}

/** Any client can have a subgraph resolve an entity by the query `_entities`, and select its fields. */
function readFieldOrEntity(of: object, name: string, method: object): readonly DeclaredHandler[] {
  if (Reflect.getMetadata(nestMetadata.isReferenceResolver, method) === true) {
    const type: unknown = Reflect.getMetadata(nestMetadata.resolverType, of);
    return [{ kind: 'graphql', address: `entity ${typeof type === 'string' ? type : name}`, resolves: 'entity' }];
  }
  if (Reflect.getMetadata(nestMetadata.isFieldResolver, method) !== true) return [];
  const given: unknown = Reflect.getMetadata(nestMetadata.resolverName, method);
  return [{ kind: 'graphql', address: `field ${typeof given === 'string' ? given : name}`, resolves: 'field' }];
}

function readSubscription(of: object, method: object): readonly DeclaredHandler[] {
  if (
    !Reflect.hasMetadata(nestMetadata.isGateway, of) ||
    Reflect.getMetadata(nestMetadata.isMessageHandler, method) !== true
  )
    return [];
  return [{ kind: 'websocket', address: `message ${toText(Reflect.getMetadata(nestMetadata.message, method))}` }];
}

function readPattern(method: object): readonly DeclaredHandler[] {
  const patterns: unknown = Reflect.getMetadata(nestMetadata.messagePattern, method);
  if (patterns === undefined) return [];
  const list: readonly unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  return list.map((one) => ({ kind: 'message', address: `pattern ${toText(one)}` }));
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
