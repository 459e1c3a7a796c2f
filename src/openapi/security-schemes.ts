import type { Requirement } from '../access/requirement.js';
import type { SecurityScheme } from '../authentication/authentication-scheme.js';
import type { TokenSource } from '../request/token-sources.js';

/** The part of an OpenAPI operation that is read and written. */
export interface OpenApiOperation {
  security?: SecurityRequirement[];
  responses?: Record<string, unknown>;
}

/** Schemes that must all be satisfied, with the required scopes of each. */
export type SecurityRequirement = Record<string, string[]>;

/** An OpenAPI document as `SwaggerModule.createDocument` of @nestjs/swagger 11 and 12 returns it. */
export interface OpenApiDocument {
  openapi: string;
  paths: object;
  components?: object;
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'search', 'query'] as const;

/** Lists every operation of a document with its method and path. */
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

/** Adds a component unless the document already has one of this name. */
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

/** The security schemes by their names in the document. */
export type SecuritySchemes = Readonly<Record<string, SecurityScheme>>;

/** Describes the token sources of an app as security schemes. */
export function schemesOf(sources: readonly TokenSource[]): SecuritySchemes {
  return Object.fromEntries(
    sources
      .flatMap((source) => source.alternatives ?? [source])
      .flatMap(({ parameter }): [string, SecurityScheme][] => {
        if (parameter === undefined) return [];
        if (parameter.name === 'authorization')
          return [['bearer', { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }]];
        const name = parameter.in === 'cookie' ? `cookie.${parameter.name}` : parameter.name;
        // A header name may contain characters that a component name may not.
        return [[name.replaceAll(/[^A-Za-z0-9._-]/g, '_'), { type: 'apiKey', ...parameter }]];
      }),
  );
}

/** Builds an operation's `security`: any one of the schemes, each with every set of scopes that satisfies the route. */
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

/** Before version 3.1, OpenAPI allows scopes only for OAuth 2 and OpenID Connect schemes. */
function namesScopes(type: SecurityScheme['type'], version: string): boolean {
  return type === 'oauth2' || type === 'openIdConnect' || !version.startsWith('3.0');
}

/** Lists the sets of scopes, each of which satisfies the route. */
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
