import type { Requirement } from '../access/requirement.js';
import type { TokenSource } from '../request/token-sources.js';

/** What an OpenAPI document has of security: the part that is read and filled in. */
export interface OpenApiOperation {
  security?: SecurityRequirement[];
  responses?: Record<string, unknown>;
}

/** Schemes that must all be satisfied, with the scopes asked of each. */
export type SecurityRequirement = Record<string, string[]>;

/** A security scheme as OpenAPI writes it: `{ type: 'http', scheme: 'bearer' }`. */
export interface SecurityScheme {
  readonly type: 'http' | 'apiKey' | 'oauth2' | 'openIdConnect';
  readonly [member: string]: unknown;
}

/** An OpenAPI document, as `SwaggerModule.createDocument` of @nestjs/swagger 11 and 12 gives it. */
export interface OpenApiDocument {
  openapi: string;
  paths: object;
  components?: object;
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'search', 'query'] as const;

/** Every operation of a document, with its method and path. */
export function operationsOf(
  document: OpenApiDocument,
): readonly { readonly method: string; readonly path: string; readonly operation: OpenApiOperation }[] {
  return Object.entries(document.paths as Record<string, Record<string, OpenApiOperation | undefined>>).flatMap(
    ([path, item]) =>
      methods.flatMap((method) => {
        const operation = item[method];
        return operation === undefined ? [] : [{ method, path, operation }];
      }),
  );
}

/** Adds a component where the document has none of that name. */
export function addComponent(
  document: OpenApiDocument,
  kind: 'securitySchemes' | 'schemas',
  name: string,
  value: object,
): void {
  const components = (document.components ?? {}) as Record<string, Record<string, unknown> | undefined>;
  document.components = components;
  components[kind] = { [name]: value, ...components[kind] };
}

/** The schemes by their names in the document. */
export type SecuritySchemes = Readonly<Record<string, SecurityScheme>>;

/** How the places where an app looks for tokens are written in a document. */
export function schemesOf(sources: readonly TokenSource[]): SecuritySchemes {
  return Object.fromEntries(
    sources.flatMap(({ parameter }): [string, SecurityScheme][] => {
      if (parameter === undefined) return [];
      if (parameter.name === 'authorization')
        return [['bearer', { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }]];
      const name = parameter.in === 'cookie' ? `cookie.${parameter.name}` : parameter.name;
      // What a header may be called and a component may not.
      return [[name.replaceAll(/[^A-Za-z0-9._-]/g, '_'), { type: 'apiKey', ...parameter }]];
    }),
  );
}

/** What an operation's `security` says: any one of the schemes, with one of the sets of scopes that will do. */
export function securityOf(
  schemes: SecuritySchemes,
  requirements: readonly Requirement[],
  version: string,
): SecurityRequirement[] {
  const alternatives = scopeAlternatives(requirements);
  return Object.entries(schemes).flatMap(([name, { type }]) =>
    namesScopes(type, version) ? alternatives.map((scopes) => ({ [name]: scopes })) : [{ [name]: [] }],
  );
}

/** Before 3.1, OpenAPI has scopes for the schemes of OAuth only. */
function namesScopes(type: SecurityScheme['type'], version: string): boolean {
  return type === 'oauth2' || type === 'openIdConnect' || !version.startsWith('3.0');
}

/** Sets of scopes of which any one opens the route. */
function scopeAlternatives(requirements: readonly Requirement[]): string[][] {
  let alternatives: string[][] = [[]];
  for (const requirement of requirements) {
    if (requirement.kind !== 'scopes') continue;
    const { match, values } = requirement;
    const added = match === 'all' ? [values] : values.map((value) => [value]);
    alternatives = alternatives.flatMap((set) => added.map((more) => [...new Set([...set, ...more])]));
  }
  return alternatives;
}
