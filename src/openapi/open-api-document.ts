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
