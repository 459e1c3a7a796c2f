import type { Requirement } from '../access/requirement.js';
import type { TokenSource } from '../request/token-source.js';
import type { SecurityRequirement, SecurityScheme } from './open-api-document.js';

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
