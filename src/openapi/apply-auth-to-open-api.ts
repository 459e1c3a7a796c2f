import { nameOf, type Requirement } from '../access/requirement.js';
import { HandlerInventory, type HttpHandlerInfo } from '../audit/handler-inventory.service.js';
import { AuthenticationSchemes } from '../authentication/authentication-scheme.js';
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

/** Overrides what is derived from the app's decorators and options. */
export interface OpenApiAuthOptions {
  /**
   * The security schemes by name, instead of those that are derived from `tokenFrom`: for example an `oauth2` or
   * `openIdConnect` scheme, whose operations then list their scopes.
   *
   * @defaultValue `bearer` for `Authorization: Bearer`, an `apiKey` for each header and cookie, and those of the authentication schemes
   */
  readonly schemes?: SecuritySchemes;
}

/** The part of a Nest application that is used. */
interface ProviderLookup {
  get(token: abstract new (...parts: never[]) => unknown, options: { strict: false }): unknown;
}

/**
 * Adds authentication to an OpenAPI document: the security schemes; for each operation the scheme with its scopes, or
 * `security: []` where it is public; and the responses 401, 403 and 503 where the guard may send them. It reads the same
 * metadata as the guard. What the app has documented itself stays, except the security of a public route.
 *
 * The document is modified and returned:
 *
 * ```ts
 * const document = applyAuthToOpenApi(SwaggerModule.createDocument(app, config), app);
 * ```
 *
 * @throws {ConfigurationError} for an unknown option.
 */
export function applyAuthToOpenApi<Document extends OpenApiDocument>(
  document: Document,
  app: ProviderLookup,
  options: OpenApiAuthOptions = {},
): Document {
  readOptions('applyAuthToOpenApi', options, ['schemes']);
  const handlerInventory = app.get(HandlerInventory, { strict: false }) as HandlerInventory;
  const { all } = app.get(TokenSources, { strict: false }) as TokenSources;
  const handlers = handlerInventory.listHttp();
  const { inOrder } = app.get(AuthenticationSchemes, { strict: false }) as AuthenticationSchemes;
  const scopes = scopesOf(handlers);
  const schemesFor = (kinds: readonly string[] | null): SecuritySchemes => {
    const ofSchemes = inOrder.map((scheme) => scheme.securitySchemes?.(scopes, kinds) ?? {});
    return options.schemes ?? (Object.assign({}, schemesOf(all), ...ofSchemes) as SecuritySchemes);
  };
  for (const [name, scheme] of Object.entries(schemesFor(null)))
    addComponent(document, 'securitySchemes', name, scheme);
  addComponent(document, 'schemas', refusalSchema, refusalBody);
  const routes = new RouteIndex(handlers);
  for (const { method, path, operation } of operationsOf(document)) {
    const info = routes.find(method, path);
    if (info !== undefined) describe(operation, info, schemesFor(info.credentials), document.openapi);
  }
  return document;
}

/** All scopes that routes require. */
function scopesOf(handlers: readonly HttpHandlerInfo[]): readonly string[] {
  const required = handlers.flatMap(({ requirements }) => requirements?.all ?? []);
  const scopes = required.flatMap((requirement) => (requirement.kind === 'scopes' ? requirement.values : []));
  return [...new Set(scopes)].sort();
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
  // An empty security requirement states that the operation also accepts anonymous callers.
  operation.security ??= protection === 'optional' ? [{}, ...security] : security;
  const added = refusals.map((status) => [String(status), responseOf(status, required)] as const);
  operation.responses = { ...Object.fromEntries(added), ...operation.responses };
}

/** The name of the schema of a refusal's body. */
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

/** Describes a response of the guard. `required` lists what the route requires of the user. */
function responseOf(status: 401 | 403 | 503, required: readonly Requirement[]): object {
  switch (status) {
    case 401:
      return unauthorized(required.find(({ kind }) => kind === 'step-up'));
    case 403:
      return { description: `The user may not do this. Required: ${required.map(nameOf).join('; ')}.`, content: body };
    case 503:
      return {
        description: 'The token cannot be verified at the moment.',
        headers: { 'Retry-After': { description: 'Seconds.', schema: text } },
        content: body,
      };
  }
}

/** @param stepUp what the route requires of the sign-in */
function unauthorized(stepUp: Requirement | undefined): object {
  const weak = stepUp === undefined ? '' : `, or the sign-in is too old or too weak. Required: ${nameOf(stepUp)}`;
  const challenge = `The challenge of RFC 6750${stepUp === undefined ? '' : ', or of RFC 9470'}.`;
  return {
    description: `There is no access token, or one that is not accepted${weak}.`,
    headers: { 'WWW-Authenticate': { description: challenge, schema: text } },
    content: body,
  };
}

const strictness = ['public', 'unguarded', 'optional', 'protected'] as const;

/** Finds the handler of a document's operation by method and path, regardless of the names of path parameters. */
class RouteIndex {
  private readonly prefixed = new Map<string, HttpHandlerInfo>();
  /** The handlers by their paths without the global prefix, which a document may omit. */
  private readonly unprefixed = new Map<string, HttpHandlerInfo>();

  constructor(handlers: readonly HttpHandlerInfo[]) {
    for (const info of handlers) {
      for (const { method, path, unprefixed } of info.routes) {
        add(this.prefixed, `${method} ${shapeOfRoute(path)}`, info);
        add(this.unprefixed, `${method} ${shapeOfRoute(unprefixed)}`, info);
      }
    }
  }

  /** @returns `undefined` for an operation that no Nest handler serves */
  find(method: string, path: string): HttpHandlerInfo | undefined {
    const shape = shapeOfTemplate(path);
    const keys = [`${method.toUpperCase()} ${shape}`, `ALL ${shape}`];
    return [this.prefixed, this.unprefixed]
      .flatMap((index) => keys.map((key) => index.get(key)))
      .find((info) => info !== undefined);
  }
}

/** Versions that are selected by a header share one path. The document then states the rules of the strictest one. */
function add(index: Map<string, HttpHandlerInfo>, key: string, info: HttpHandlerInfo): void {
  const known = index.get(key);
  if (known !== undefined && rank(known) >= rank(info)) return;
  index.set(key, info);
}

function rank({ protection }: HttpHandlerInfo): number {
  return strictness.indexOf(protection);
}

/** Replaces every parameter in a router's path, `/cats/:id`, by `{}`. */
function shapeOfRoute(path: string): string {
  const plain = path.replaceAll(/\([^)]*\)/g, '').replaceAll(/[{}]/g, '');
  return trimSlash(plain.replaceAll(/[:*]\w+\??|\*/g, '{}'));
}

/** Replaces every parameter in a document's path, `/cats/{id}`, by `{}`. */
function shapeOfTemplate(path: string): string {
  return trimSlash(path.replaceAll(/\{[^}]*\}/g, '{}'));
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}
