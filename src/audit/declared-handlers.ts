import 'reflect-metadata';

import { nestMetadata } from '../guard/nest-internals.js';

/** A method that a framework calls, and what a caller calls it by. */
export interface DeclaredHandler {
  readonly kind: 'graphql' | 'websocket' | 'message';
  readonly address: string;
  /** How a resolver is reached, as Nest has guards before fields, and before what makes entities, only when told to. */
  readonly reach?: 'field' | 'entity';
}

/** What a method of a class is called by, other than by HTTP; empty when anonymousCaller outside can call it. */
export function readDeclaredHandlers(of: object, name: string, method: object): readonly DeclaredHandler[] {
  return [
    ...readResolver(name, method),
    ...readInner(of, name, method),
    ...readSubscription(of, method),
    ...readPattern(method),
  ];
}

function readResolver(name: string, method: object): readonly DeclaredHandler[] {
  const type: unknown = Reflect.getMetadata(nestMetadata.resolverType, method);
  // Other types are those of fields.
  if (type !== 'Query' && type !== 'Mutation' && type !== 'Subscription') return [];
  const given: unknown = Reflect.getMetadata(nestMetadata.resolverName, method);
  return [{ kind: 'graphql', address: `${type.toLowerCase()} ${typeof given === 'string' ? given : name}` }];
}

/** Anybody may have a subgraph make an entity, by the query `_entities`, and ask for fields of it. */
function readInner(of: object, name: string, method: object): readonly DeclaredHandler[] {
  if (Reflect.getMetadata(nestMetadata.isReferenceResolver, method) === true) {
    const type: unknown = Reflect.getMetadata(nestMetadata.resolverType, of);
    return [{ kind: 'graphql', address: `entity ${typeof type === 'string' ? type : name}`, reach: 'entity' }];
  }
  if (Reflect.getMetadata(nestMetadata.isFieldResolver, method) !== true) return [];
  const given: unknown = Reflect.getMetadata(nestMetadata.resolverName, method);
  return [{ kind: 'graphql', address: `field ${typeof given === 'string' ? given : name}`, reach: 'field' }];
}

function readSubscription(of: object, method: object): readonly DeclaredHandler[] {
  if (
    !Reflect.hasMetadata(nestMetadata.isGateway, of) ||
    Reflect.getMetadata(nestMetadata.isMessageHandler, method) !== true
  )
    return [];
  return [{ kind: 'websocket', address: `message ${written(Reflect.getMetadata(nestMetadata.message, method))}` }];
}

function readPattern(method: object): readonly DeclaredHandler[] {
  const patterns: unknown = Reflect.getMetadata(nestMetadata.messagePattern, method);
  if (patterns === undefined) return [];
  const list: readonly unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  return list.map((one) => ({ kind: 'message', address: `pattern ${written(one)}` }));
}

function written(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
