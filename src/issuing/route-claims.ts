import { ConfigurationError } from '../errors/auth-error.js';

/** Which module of this package answers which route, so that no two answer the same one. */
export class RouteClaims {
  private readonly owners = new Map<string, string>();

  /**
   * Claims routes for a module. A module may claim a route again.
   *
   * @param owner the module as it is written in code: `SessionsModule.forRoot`
   * @param routes each as method and path: `POST /auth/refresh`. Slashes at the end, upper and lower case and the names of
   *   parameters make no difference
   * @throws {ConfigurationError} which names both modules, when another one has claimed one of them.
   */
  claim(owner: string, routes: readonly string[]): void {
    for (const route of routes) {
      const key = keyOf(route);
      const other = this.owners.get(key);
      if (other !== undefined && other !== owner) {
        throw new ConfigurationError(
          owner,
          `it has the route ${route}, and so has ${other}`,
          "Give one of the two another path: { path: 'session' }",
        );
      }
      this.owners.set(key, owner);
    }
  }
}

function keyOf(route: string): string {
  const [method = '', path = ''] = route.split(' ');
  const segments = path.split('/').filter((segment) => segment !== '');
  const known = segments.map((segment) => (segment.startsWith(':') ? ':' : segment.toLowerCase()));
  return `${method.toUpperCase()} /${known.join('/')}`;
}

/** Matches method and path as Express does: in upper or lower case, with or without a slash at the end. */
export function toPattern({ method, path }: { readonly method: string; readonly path: string }): RegExp {
  const segments = path.split('/').filter((segment) => segment !== '');
  const patterns = segments.map((segment) =>
    segment.startsWith(':') ? '[^/]+' : segment.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`),
  );
  return new RegExp(`^${method} /${patterns.join('/')}/?$`, 'i');
}
