import type { AuthUserParts } from '../user/verified-user.js';

/** A key that a provider has confirmed. */
export interface ConfirmedApiKey {
  /** The id of the key, which is no secret; `null` where the provider does not state it. */
  readonly id: string | null;
  /** Whom the key stands for: a user as a token of the provider would name them, or an organization. */
  readonly owner: Omit<AuthUserParts, 'issuer' | 'provider' | 'credential' | 'clientId' | 'expiresAt'>;
  /** When the key expires; `null` when it does not. */
  readonly expiresAt: Date | null;
}

/** API keys that a provider issues to its users, and is asked about. */
export interface ApiKeySource {
  /** The name of these keys in the log, unique in an app: `stackAuth API keys`. */
  readonly name: string;
  /**
   * What every key begins with. `null` for keys without a form of their own: every text that is no JWT and that no other scheme
   * claims is then taken for one. Only one source of an app may have such keys.
   */
  readonly prefixes: readonly string[] | null;

  /**
   * Why a text cannot be a key, as a sentence for the log without the text; `undefined` when it may be one. It is called before
   * `check`, and a text that it finds fault with is refused without a call.
   */
  findFault(text: string): string | undefined;

  /**
   * Asks the provider about a key. It is called once for each key at a time, and its answer is used for 30 seconds.
   *
   * @param about `isKnown`: whether the key was confirmed before. Others may be the invention of a stranger, so a pause that the
   * provider asks for because of them must not concern the known ones (`caller` of `HttpCall`).
   * @throws {RefusalError} when the provider does not accept the key: `RefusalError.apiKey` or `RefusalError.tooMany`. Everything
   * else is answered as a fault (503).
   */
  check(text: string, about: { readonly isKnown: boolean }): Promise<ConfirmedApiKey>;
}
