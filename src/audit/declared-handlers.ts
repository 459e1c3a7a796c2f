import 'reflect-metadata';

/** A method that a framework calls, and what a caller calls it by. */
export interface DeclaredHandler {
  readonly kind: 'graphql' | 'websocket' | 'message';
  readonly address: string;
  /** How a resolver is reached, as Nest has guards before fields, and before what makes entities, only when told to. */
  readonly reach?: 'field' | 'entity';
}

// The names under which Nest's packages keep their decorators' words. They are read by name, because an app need
// not have the packages; all have been the same since Nest 7.
const gateway = 'websockets:is_gateway';
const subscribed = 'websockets:message_mapping';
const subscribedTo = 'message';
const pattern = 'microservices:pattern';
const resolverType = 'graphql:resolver_type';
const resolverName = 'graphql:resolver_name';
const resolvesField = 'graphql:resolve_property';
const resolvesEntity = 'graphql:resolve_reference';

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
  const type: unknown = Reflect.getMetadata(resolverType, method);
  // Other types are those of fields.
  if (type !== 'Query' && type !== 'Mutation' && type !== 'Subscription') return [];
  const given: unknown = Reflect.getMetadata(resolverName, method);
  return [{ kind: 'graphql', address: `${type.toLowerCase()} ${typeof given === 'string' ? given : name}` }];
}

/** Anybody may have a subgraph make an entity, by the query `_entities`, and ask for fields of it. */
function readInner(of: object, name: string, method: object): readonly DeclaredHandler[] {
  if (Reflect.getMetadata(resolvesEntity, method) === true) {
    const type: unknown = Reflect.getMetadata(resolverType, of);
    return [{ kind: 'graphql', address: `entity ${typeof type === 'string' ? type : name}`, reach: 'entity' }];
  }
  if (Reflect.getMetadata(resolvesField, method) !== true) return [];
  const given: unknown = Reflect.getMetadata(resolverName, method);
  return [{ kind: 'graphql', address: `field ${typeof given === 'string' ? given : name}`, reach: 'field' }];
}

function readSubscription(of: object, method: object): readonly DeclaredHandler[] {
  if (!Reflect.hasMetadata(gateway, of) || Reflect.getMetadata(subscribed, method) !== true) return [];
  return [{ kind: 'websocket', address: `message ${written(Reflect.getMetadata(subscribedTo, method))}` }];
}

function readPattern(method: object): readonly DeclaredHandler[] {
  const patterns: unknown = Reflect.getMetadata(pattern, method);
  if (patterns === undefined) return [];
  const list: readonly unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  return list.map((one) => ({ kind: 'message', address: `pattern ${written(one)}` }));
}

function written(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
