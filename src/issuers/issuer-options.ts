/** The options of a preset that state which issuer it trusts. */
interface OptionNames {
  /** States the server, or the name of the issuer as a whole. */
  readonly server: string;
  /** States which of the issuers of that server; left out where `server` states both. */
  readonly tenant?: string;
  /** Where the app reaches an issuer whose name leads elsewhere. */
  readonly inside?: string;
}

const optionNames: Readonly<Record<string, OptionNames>> = {
  oidc: { server: 'issuer', inside: 'discoveryUrl' },
  jwtIssuer: { server: 'issuer', inside: 'jwksUri' },
  auth0: { server: 'domain' },
  betterAuth: { server: 'baseUrl' },
  clerk: { server: 'frontendApiUrl' },
  cognito: { server: 'userPoolId' },
  entraId: { server: 'tenantId' },
  cloudflareAccess: { server: 'team' },
  firebase: { server: 'projectId' },
  keycloak: { server: 'serverUrl', tenant: 'realm', inside: 'internalUrl' },
  propelAuth: { server: 'authUrl' },
  stackAuth: { server: 'baseUrl', tenant: 'projectId' },
  supabase: { server: 'url' },
};

/**
 * Names the option of a preset in which the trusted issuer and another name differ: `keycloak({ serverUrl })`.
 *
 * @param trusted the names that the preset trusts
 * @param other the name that a token or a document states
 * @returns `null` for a preset that has no such option, as one of the app's own
 */
export function issuerOptionOf(preset: string, trusted: readonly string[], other: unknown): string | null {
  const names = optionNames[preset];
  if (names === undefined) return null;
  const { server, tenant } = names;
  if (tenant === undefined) return `${preset}({ ${server} })`;
  const wrong = new Set(trusted.map((name) => differenceOf(name, other)));
  if (wrong.has('tenant')) return `${preset}({ ${tenant} })`;
  return wrong.has('server') ? `${preset}({ ${server} })` : `${preset}({ ${server}, ${tenant} })`;
}

/** The option that states where the app reaches the issuer, when tokens name another address. */
export function insideOptionOf(preset: string): string | null {
  const names = optionNames[preset];
  return names === undefined ? null : `${preset}({ ${names.inside ?? 'jwksUri'} })`;
}

/** The last segment of the path is what tells the tenants of a server apart. */
function differenceOf(name: string, other: unknown): 'server' | 'tenant' | 'both' {
  if (typeof other !== 'string') return 'both';
  const [ours, theirs] = [splitTenant(name), splitTenant(other)];
  if (ours.server === theirs.server) return 'tenant';
  return ours.tenant === theirs.tenant ? 'server' : 'both';
}

function splitTenant(name: string): { readonly server: string; readonly tenant: string } {
  const plain = name.replace(/\/+$/, '');
  const at = plain.lastIndexOf('/');
  return { server: plain.slice(0, at), tenant: plain.slice(at + 1) };
}
