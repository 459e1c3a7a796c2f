import { ConfigurationError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';

interface ContributedMember {
  readonly owner: string;
  readonly value: unknown;
}

/**
 * What the modules of the app publish about it as an authorization server (RFC 8414 §2). The issuer, the keys and the
 * `authorization_endpoint` are there without a contribution.
 */
export class AuthorizationServerMetadata {
  private readonly members = new Map<string, ContributedMember>();

  /**
   * Adds members. Lists of several modules are joined: `grant_types_supported` holds what each of them supports.
   *
   * @param owner the module as it is written in code: `ApiKeysModule.forRoot`
   * @throws {ConfigurationError} which names both modules, when another one has given a member another value.
   */
  contribute(owner: string, members: JsonObject): void {
    for (const [name, value] of Object.entries(members)) {
      this.members.set(name, { owner, value: this.join(owner, name, value) });
    }
  }

  /** The document: the given members, and those of the modules, which take precedence. */
  toDocument(own: JsonObject): JsonObject {
    const contributed = [...this.members].map(([name, { value }]) => [name, value] as const);
    return { ...own, ...Object.fromEntries(contributed) };
  }

  private join(owner: string, name: string, value: unknown): unknown {
    const before = this.members.get(name);
    if (before === undefined || before.value === value) return value;
    if (Array.isArray(before.value) && Array.isArray(value)) {
      return [...new Set<unknown>([...(before.value as readonly unknown[]), ...(value as readonly unknown[])])];
    }
    throw new ConfigurationError(
      owner,
      `it publishes "${name}" in the metadata of the app, and ${before.owner} publishes another value`,
      'Leave one of the two modules out',
    );
  }
}
