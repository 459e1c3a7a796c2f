import { nameOf } from '../access/requirement.js';
import { HandlerInventory, type HttpHandlerInfo } from '../audit/handler-inventory.service.js';
import { readOptions } from '../configuration/read-options.js';
import { TokenSources } from '../request/token-sources.js';
import {
  addComponent,
  operationsOf,
  schemesOf,
  securityOf,
  type OpenApiDocument,
  type OpenApiOperation,
  type SecuritySchemes,
} from './security-schemes.js';

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
  { protection, requirements, refusals }: HttpHandlerInfo,
  schemes: SecuritySchemes,
  version: string,
): void {
  if (protection === 'unguarded') return;
  if (protection === 'public') {
    operation.security = [];
    return;
  }
  const required = requirements?.all ?? [];
  const security = securityOf(schemes, required, version);
  // An empty requirement says that nothing will do as well.
  operation.security ??= protection === 'optional' ? [{}, ...security] : security;
  const added = refusals.map((status) => [String(status), responseOf(status, required.map(nameOf))] as const);
  operation.responses = { ...Object.fromEntries(added), ...operation.responses };
}

/** The name under which a document describes the body of every refusal. */
const refusalSchema = 'AuthRefusal';

/** The body of a refusal or a fault, as JSON Schema. */
const refusalBody = {
  type: 'object',
  required: ['statusCode', 'error', 'message', 'code'],
  properties: {
    statusCode: { type: 'integer' },
    error: { type: 'string' },
    message: { type: 'string' },
    code: { type: 'string', description: 'What happened, as a name that does not change between versions.' },
    reason: { type: 'string', description: 'Why the token was refused; with INVALID_TOKEN only.' },
  },
} as const;

const text = { type: 'string' } as const;
const body = { 'application/json': { schema: { $ref: `#/components/schemas/${refusalSchema}` } } } as const;

/** The answers that the guard gives. `demanded` says what of the user, where something is. */
function responseOf(status: 401 | 403 | 503, demanded: readonly string[]): object {
  switch (status) {
    case 401:
      return {
        description: 'There is no access token, or one that is not accepted.',
        headers: { 'WWW-Authenticate': { description: 'The challenge of RFC 6750.', schema: text } },
        content: body,
      };
    case 403:
      return { description: `The user may not do this. Asked for: ${demanded.join('; ')}.`, content: body };
    case 503:
      return {
        description: 'The token cannot be judged at the moment.',
        headers: { 'Retry-After': { description: 'Seconds.', schema: text } },
        content: body,
      };
  }
}

const strictness = ['public', 'unguarded', 'optional', 'protected'] as const;

/** Finds the handler behind an operation of a document, by method and path, whatever the parameters are called. */
class RouteIndex {
  private readonly served = new Map<string, HttpHandlerInfo>();
  /** By paths without the global prefix, which a document may leave out. */
  private readonly unprefixed = new Map<string, HttpHandlerInfo>();

  constructor(entries: readonly HttpHandlerInfo[]) {
    for (const entry of entries) {
      for (const { method, path, unprefixed } of entry.routes) {
        add(this.served, `${method} ${shapeOfRoute(path)}`, entry);
        add(this.unprefixed, `${method} ${shapeOfRoute(unprefixed)}`, entry);
      }
    }
  }

  /** `undefined` for an operation that no handler of Nest's stands behind. */
  find(method: string, path: string): HttpHandlerInfo | undefined {
    const shape = shapeOfTemplate(path);
    const keys = [`${method.toUpperCase()} ${shape}`, `ALL ${shape}`];
    return [this.served, this.unprefixed]
      .flatMap((index) => keys.map((key) => index.get(key)))
      .find((entry) => entry !== undefined);
  }
}

/** Versions told by a header share their path: the document then says what the strictest of them asks. */
function add(index: Map<string, HttpHandlerInfo>, key: string, entry: HttpHandlerInfo): void {
  const known = index.get(key);
  if (known !== undefined && rank(known) >= rank(entry)) return;
  index.set(key, entry);
}

function rank({ protection }: HttpHandlerInfo): number {
  return strictness.indexOf(protection);
}

/** A router's path, `/cats/:id`, with every parameter as `{}`. */
function shapeOfRoute(path: string): string {
  const plain = path.replaceAll(/\([^)]*\)/g, '').replaceAll(/[{}]/g, '');
  return trimmed(plain.replaceAll(/[:*]\w+\??|\*/g, '{}'));
}

/** A document's path, `/cats/{id}`, with every parameter as `{}`. */
function shapeOfTemplate(path: string): string {
  return trimmed(path.replaceAll(/\{[^}]*\}/g, '{}'));
}

function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}
