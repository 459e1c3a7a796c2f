/** A protected resource of the app (RFC 9728): a part of it for which clients get tokens by its address. */
export interface ProtectedResource {
  /** The address that tokens name as their audience, as the app has written it. */
  readonly identifier: string;
  readonly name: string | null;
  readonly documentation: string | null;
  /** The scopes that the metadata lists; `null` for those that its routes require. */
  readonly scopes: readonly string[] | null;
  /** The audiences that mean the resource: the identifier, and for a mere origin also the other way to write it. */
  readonly audiences: readonly string[];
  /** Audiences that tokens may name in addition. */
  readonly alsoAudience: readonly string[];
  /** The path of the metadata on the app's origin (RFC 9728 §3.1). */
  readonly metadataPath: string;
  /** The address of the metadata. */
  readonly metadataUrl: string;
  /** The path within the app, compared as `comparablePath` gives it; empty for the whole app. */
  readonly prefix: string;
}

/** The protected resources of an app, and which of them a request belongs to. */
export class ProtectedResources {
  private readonly longestFirst: readonly ProtectedResource[];

  constructor(readonly all: readonly ProtectedResource[]) {
    this.longestFirst = all.toSorted((one, other) => other.prefix.length - one.prefix.length);
  }

  /**
   * The resource with the longest path that a request is at or below; `null` for a request outside of all of them. A request without an
   * address, such as a message, belongs to the resource that is the whole app, where there is one.
   *
   * @param url path and query of the request, as the app has received them
   */
  find(url: string | null): ProtectedResource | null {
    const path = url === null ? '' : comparablePath(url);
    for (const resource of this.longestFirst) if (isWithin(path, resource.prefix)) return resource;
    return null;
  }

  /** The address of the metadata of the resource that a request belongs to; `null` outside of all resources. */
  findMetadataUrl({ url }: { readonly url: string | null }): string | null {
    return this.find(url)?.metadataUrl ?? null;
  }

  /** Whether requests to a route may belong to a resource, by the route's pattern: `/cats/:id`. */
  mayServe(resource: ProtectedResource, pattern: string): boolean {
    // Braces enclose a part that may be left out.
    const path = comparablePath(pattern.replaceAll(/[{}]/g, ''));
    const fitting = this.longestFirst.filter(({ prefix }) => fitsPattern(path, prefix));
    const certain = fitting.find(({ prefix }) => isWithin(path, prefix));
    return resource === certain || (fitting.includes(resource) && isLonger(resource, certain));
  }
}

/** Paths that are compared as they are; most are. */
const plainPath = /^(?:\/[a-z0-9._~-]+)*\/?$/;

/**
 * The path of a request in the form in which it is compared: in lower case, decoded, without repeated slashes. Routers differ in
 * what they ignore (Express the case, Fastify percent-encoding), and a request that reaches the handlers of a resource by another
 * spelling must not escape the checks of the resource.
 */
export function comparablePath(url: string): string {
  // RFC 9112 §3.2.2: a server must accept a whole address, and routers take its path. Its host may contain what ends a path.
  const target = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (plainPath.test(path)) return path;
  // Fastify can end the path at a semicolon.
  const [plain = ''] = path.split(/[#;]/);
  return decode(plain)
    .replaceAll(/\/{2,}/g, '/')
    .toLowerCase();
}

/** Leaves what is encoded for being a delimiter, such as a slash, as routers do. */
function decode(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    // No router finds a route for it.
    return path;
  }
}

const slash = 47;

function isWithin(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === slash);
}

/** A parameter may stand for any segment. */
function fitsPattern(path: string, prefix: string): boolean {
  const segments = path.split('/');
  return prefix.split('/').every((segment, at) => {
    const own = segments[at];
    return own !== undefined ? own === segment || /^[:*(]/.test(own) : segments.some((each) => each.startsWith('*'));
  });
}

function isLonger(one: ProtectedResource, other: ProtectedResource | undefined): boolean {
  return one.prefix.length > (other?.prefix.length ?? -1);
}
