import type { HandlerInfo, HttpHandlerInfo } from '../audit/handler-inventory.service.js';
import { type AdapterRoute, answerDocument, type JsonDocument, toJsonDocument } from '../issuing/adapter-route.js';
import type { TokenSource } from '../request/token-sources.js';
import type { DpopMode } from '../dpop/dpop-options.js';
import { proofAlgorithms } from '../dpop/dpop-proof.js';
import type { ProtectedResource, ProtectedResources } from './protected-resources.js';

export interface ResourceRoutesParts {
  readonly resources: ProtectedResources;
  /** The issuers whose tokens the app accepts. */
  readonly issuers: readonly string[];
  /** Where the app reads tokens. */
  readonly sources: readonly TokenSource[];
  /** Whether tokens that are bound to a key are accepted, and others too. */
  readonly dpop: DpopMode;
  /** Lists the handlers of the app. It is called when the metadata is read for the first time, because it needs all routes. */
  readonly listHandlers: () => readonly HandlerInfo[];
}

const exposedHeaders = ['Access-Control-Expose-Headers', 'ETag, WWW-Authenticate'] as const;
const otherMethods = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** The metadata of the app's resources (RFC 9728 §3), each with and without a slash at the end of its path. */
export function resourceRoutes(parts: ResourceRoutesParts): readonly AdapterRoute[] {
  return parts.resources.all.flatMap((resource) => {
    let document: JsonDocument | undefined;
    const answer: AdapterRoute['answer'] = (view) => {
      document ??= toJsonDocument(describeResource(resource, parts));
      const answered = answerDocument(document, view);
      return { ...answered, headers: [...answered.headers, exposedHeaders] };
    };
    const plain = resource.metadataPath.replace(/\/$/, '');
    return [plain, `${plain}/`].flatMap((path): AdapterRoute[] => [
      { method: 'GET', path, isPublic: true, answer },
      ...otherMethods.map((method) => ({ method, path, isPublic: false, answer: refuseMethod }) as const),
    ]);
  });
}

/** RFC 9728 §2. A member without a value is left out (§3.2). */
function describeResource(resource: ProtectedResource, parts: ResourceRoutesParts): object {
  const { identifier, name, documentation } = resource;
  const lists = {
    authorization_servers: parts.issuers.filter(isAddress),
    scopes_supported: resource.scopes ?? scopesOf(resource, parts),
    bearer_methods_supported: parts.sources.some(readsBearer) ? ['header'] : [],
    dpop_signing_alg_values_supported: parts.dpop === 'off' ? [] : proofAlgorithms,
  };
  return {
    resource: identifier,
    ...Object.fromEntries(Object.entries(lists).filter(([, values]) => values.length > 0)),
    ...(parts.dpop === 'require' && { dpop_bound_access_tokens_required: true }),
    ...(name !== null && { resource_name: name }),
    ...(documentation !== null && { resource_documentation: documentation }),
  };
}

/** The issuer of `jwtIssuer` may be a mere name, by which no client finds an authorization server. */
function isAddress(issuer: string): boolean {
  return URL.canParse(issuer) && ['https:', 'http:'].includes(new URL(issuer).protocol);
}

function readsBearer({ parameter, alternatives = [] }: TokenSource): boolean {
  return (parameter?.in === 'header' && parameter.name === 'authorization') || alternatives.some(readsBearer);
}

/** The scopes that routes of the resource require. Handlers without a path of their own belong to a resource that is the whole app. */
function scopesOf(resource: ProtectedResource, { resources, listHandlers }: ResourceRoutesParts): readonly string[] {
  const handlers = listHandlers().filter((info) =>
    isHttp(info) ? info.routes.some(({ path }) => resources.mayServe(resource, path)) : resource.prefix === '',
  );
  const required = handlers.flatMap(({ requirements }) => requirements?.all ?? []);
  return [...new Set(required.flatMap((one) => (one.kind === 'scopes' ? one.values : [])))];
}

function isHttp(info: HandlerInfo): info is HttpHandlerInfo {
  return info.kind === 'http' && 'routes' in info;
}

function refuseMethod(): Awaited<ReturnType<AdapterRoute['answer']>> {
  return { status: 405, headers: [['Allow', 'GET, HEAD, OPTIONS']], body: null };
}
