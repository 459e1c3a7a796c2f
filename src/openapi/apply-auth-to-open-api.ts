import { nameOf } from '../access/requirement.js';
import { HandlerInventory, type HttpHandlerInfo } from '../audit/handler-inventory.service.js';
import { readOptions } from '../configuration/read-options.js';
import { TokenSources } from '../request/token-source.js';
import { addComponent, type OpenApiDocument, type OpenApiOperation, operationsOf } from './open-api-document.js';
import { refusalBody, refusalSchema, responseOf } from './responses.js';
import { RouteIndex } from './route-index.js';
import { type SecuritySchemes, schemesOf, securityOf } from './security-schemes.js';

/** What may be said beyond what the app's marks and options say already. */
export interface OpenApiAuthOptions {
  /**
   * The security schemes by name, in place of those that follow from `tokenFrom`: an `oauth2` or `openIdConnect` scheme,
   * say, whose operations then list their scopes.
   *
   * @defaultValue `bearer` for `Authorization: Bearer`, an `apiKey` for each header and cookie
   */
  readonly schemes?: SecuritySchemes;
}

/** The part of a Nest application that is asked. */
interface AppOfParts {
  get(token: abstract new (...parts: never[]) => unknown, options: { strict: false }): unknown;
}

/**
 * Writes into an OpenAPI document what the guard does: security schemes; for each operation the scheme and its scopes,
 * or `security: []` where it is public; and the answers 401, 403 and 503 where they can come. Everything is read from
 * the marks that the guard reads. What the app has documented itself stays, but for the security of a public route.
 *
 * The document is changed, and returned:
 *
 * ```ts
 * const document = applyAuthToOpenApi(SwaggerModule.createDocument(app, config), app);
 * ```
 *
 * @throws {ConfigurationError} for an unknown option.
 */
export function applyAuthToOpenApi<Document extends OpenApiDocument>(
  document: Document,
  app: AppOfParts,
  options: OpenApiAuthOptions = {},
): Document {
  readOptions('applyAuthToOpenApi', options, ['schemes']);
  const handlerInventory = app.get(HandlerInventory, { strict: false }) as HandlerInventory;
  const { all } = app.get(TokenSources, { strict: false }) as TokenSources;
  const schemes = options.schemes ?? schemesOf(all);
  for (const [name, scheme] of Object.entries(schemes)) addComponent(document, 'securitySchemes', name, scheme);
  addComponent(document, 'schemas', refusalSchema, refusalBody);
  const routes = new RouteIndex(handlerInventory.listHttp());
  for (const { method, path, operation } of operationsOf(document)) {
    const entry = routes.find(method, path);
    if (entry !== undefined) describe(operation, entry, schemes, document.openapi);
  }
  return document;
}

function describe(
  operation: OpenApiOperation,
  { protection, demands, refusals }: HttpHandlerInfo,
  schemes: SecuritySchemes,
  version: string,
): void {
  if (protection === 'unguarded') return;
  if (protection === 'public') {
    operation.security = [];
    return;
  }
  const requirements = demands?.requirements ?? [];
  const security = securityOf(schemes, requirements, version);
  // An empty requirement says that nothing will do as well.
  operation.security ??= protection === 'optional' ? [{}, ...security] : security;
  const added = refusals.map((status) => [String(status), responseOf(status, requirements.map(nameOf))] as const);
  operation.responses = { ...Object.fromEntries(added), ...operation.responses };
}
