import { isScope } from '../access/scope-hierarchy.js';
import { checkAddress } from '../configuration/read-address.js';
import {
  type GivenOptions,
  path,
  readOptions,
  readText,
  requireText,
  requireTexts,
} from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';
import { acceptingTokens, type IdentityProvider } from '../issuers/identity-provider.js';
import { acceptAnyAudience, type IssuerTerms } from '../token/trusted-issuer.js';
import { comparablePath, type ProtectedResource } from './protected-resources.js';

/** A part of the app for which clients get tokens by its address, such as an MCP server (RFC 9728). */
export interface ResourceOptions {
  /**
   * The address of the resource as clients call it, without a query and a fragment: `https://api.example.com/mcp`. Requests at this
   * path and below it belong to the resource. Tokens name it as their audience, so it is written exactly as clients write it:
   * without a slash at its end, unless clients call it with one.
   */
  readonly identifier: string;
  /** The name that clients show to people. */
  readonly name?: string;
  /** The address of a page for developers of clients. */
  readonly documentation?: string;
  /** The scopes that clients should ask for at first. @defaultValue the scopes that routes of the resource require */
  readonly scopes?: readonly string[];
  /**
   * Audiences that a token may name in addition to the resource. A token that names any other is refused, because whoever is meant
   * by it could use the token here.
   *
   * @defaultValue []
   */
  readonly alsoAudience?: string | readonly string[];
}

const wellKnownPath = '/.well-known/oauth-protected-resource';

/**
 * Reads the option `resource`.
 *
 * @param publicUrl the outside address of the app's `/`, whose path the app does not see; `null` where it is not known
 * @throws {ConfigurationError} for the first option that is wrong, missing or unknown, and for two resources at one path.
 */
export function readResources(
  where: string,
  options: GivenOptions,
  publicUrl: string | null,
): readonly ProtectedResource[] {
  const given = options['resource'];
  const option = path(where, 'resource');
  if (given === undefined) return [];
  if (Array.isArray(given) && given.length === 0) {
    throw new ConfigurationError(option, 'the list is empty', 'Write a resource, or leave the option out');
  }
  const resources = Array.isArray(given)
    ? given.map((each, at) => readResource(`${option}[${at}]`, each, publicUrl))
    : [readResource(option, given, publicUrl)];
  for (const [at, { prefix, identifier }] of resources.entries()) {
    const same = resources.slice(0, at).find((other) => other.prefix === prefix);
    if (same === undefined) continue;
    throw new ConfigurationError(
      option,
      `${same.identifier} and ${identifier} are at the same path, so requests cannot be told apart`,
      'Give each resource a path of its own; a host, upper case and a slash at the end make no difference',
    );
  }
  return Object.freeze(resources);
}

function readResource(where: string, given: unknown, publicUrl: string | null): ProtectedResource {
  const options = readOptions(where, given, ['identifier', 'name', 'documentation', 'scopes', 'alsoAudience']);
  const identifier = readIdentifier(where, options);
  const { origin, pathname } = new URL(identifier);
  const isOrigin = pathname === '/';
  const documentation = options['documentation'];
  const metadataPath = `${wellKnownPath}${isOrigin ? '' : pathname}`;
  return Object.freeze({
    identifier,
    name: readText(where, options, 'name') ?? null,
    documentation:
      documentation === undefined
        ? null
        : checkAddress(path(where, 'documentation'), documentation, { insecureHttp: true }),
    scopes: readScopes(where, options),
    audiences: isOrigin ? [origin, `${origin}/`] : [identifier],
    alsoAudience:
      options['alsoAudience'] === undefined
        ? []
        : requireTexts(where, options, 'alsoAudience', 'Write the audiences that tokens may name as well'),
    metadataPath,
    metadataUrl: `${origin}${metadataPath}`,
    prefix: prefixWithin(path(where, 'identifier'), identifier, publicUrl),
  });
}

function readIdentifier(where: string, options: GivenOptions): string {
  const option = path(where, 'identifier');
  const identifier = requireText(where, options, 'identifier', 'Write the address that clients call');
  checkAddress(option, identifier, { insecureHttp: false });
  if (identifier.includes('?')) {
    throw new ConfigurationError(option, 'an address without a query is expected', 'Write the address alone');
  }
  const { href, origin } = new URL(identifier);
  if (identifier === href || identifier === origin) return identifier;
  throw new ConfigurationError(
    option,
    'it is not written as clients write it, and tokens name it as text',
    `Write '${href === `${origin}/` ? origin : href}'`,
  );
}

function readScopes(where: string, options: GivenOptions): readonly string[] | null {
  const given = options['scopes'];
  if (given === undefined) return null;
  if (Array.isArray(given) && given.every(isScope)) return Object.freeze([...new Set(given)]);
  throw new ConfigurationError(
    path(where, 'scopes'),
    'a list of scopes is expected',
    "Write ['cats:read', 'cats:write']; a scope has no blanks, quotes and backslashes",
  );
}

/** The path of the resource within the app: without that of `publicUrl`, which a proxy strips. */
function prefixWithin(where: string, identifier: string, publicUrl: string | null): string {
  const own = comparableAddress(identifier);
  const app = publicUrl === null ? null : comparableAddress(publicUrl);
  // Another host of the app, of whose proxy nothing is known.
  if (app === null || own.origin !== app.origin) return own.path;
  if (own.path === app.path || own.path.startsWith(`${app.path}/`)) return own.path.slice(app.path.length);
  // The resource is larger than the app.
  if (app.path.startsWith(`${own.path}/`)) return '';
  throw new ConfigurationError(
    where,
    `it is not below publicUrl, ${publicUrl ?? ''}, so no request would belong to it`,
    `Write an address that begins with ${publicUrl ?? ''}`,
  );
}

function comparableAddress(address: string): { readonly origin: string; readonly path: string } {
  const { origin, pathname } = new URL(address);
  return { origin, path: comparablePath(pathname).replace(/\/+$/, '') };
}

/**
 * Checks that tokens of each issuer can be meant for each resource: what the issuer's `audience` accepts, and what the resource
 * accepts, have something in common.
 *
 * @throws {ConfigurationError} for an issuer of which no token could pass.
 */
export function checkAudiences(
  where: string,
  resources: readonly ProtectedResource[],
  providers: readonly IdentityProvider[],
): void {
  const terms = acceptingTokens(providers).flatMap(({ issuers }) => issuers.map((issued) => issued.terms));
  for (const resource of resources) {
    const missing = terms.find((issuer) => !canMeet(issuer, resource));
    if (missing === undefined) continue;
    throw new ConfigurationError(
      path(where, 'resource'),
      `the audience of the issuer ${missing.issuer} does not accept tokens for ${resource.identifier}, so none could be used there`,
      `Add '${resource.identifier}' to the audience of the issuer`,
    );
  }
}

function canMeet({ audience }: IssuerTerms, { audiences, alsoAudience }: ProtectedResource): boolean {
  if (typeof audience === 'symbol') return audience === acceptAnyAudience;
  return [...audiences, ...alsoAudience].some((each) => audience.includes(each));
}

/**
 * The terms of an issuer, with both ways to write an origin that is a resource where its `audience` has one of them: clients ask for
 * `https://api.example.com` and for `https://api.example.com/`, which are the same address.
 */
export function withBothSpellings(terms: IssuerTerms, resources: readonly ProtectedResource[]): IssuerTerms {
  const { audience } = terms;
  if (typeof audience === 'symbol') return terms;
  const meant = resources.filter(({ audiences }) => audiences.some((each) => audience.includes(each)));
  const missing = meant.flatMap(({ audiences }) => audiences.filter((each) => !audience.includes(each)));
  return missing.length === 0 ? terms : Object.freeze({ ...terms, audience: Object.freeze([...audience, ...missing]) });
}
