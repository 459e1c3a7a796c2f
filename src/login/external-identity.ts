import type { JsonObject } from '../token/json-object.js';

/** A person as a provider knows them, after everything that the provider said was checked. */
export interface ExternalIdentity {
  /** The id of the provider, as in the addresses of its routes: `google`. */
  readonly provider: string;
  /** The provider's id of the person. It never changes, and no two people of one provider have the same. */
  readonly subject: string;
  /** `null` where the provider tells none. */
  readonly email: string | null;
  /** Whether the provider says that the address was verified. Whether that may be relied on depends on the provider. */
  readonly emailVerified: boolean;
  readonly name: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly pictureUrl: string | null;
  /** The claims of the ID token and what the userinfo endpoint has answered, as they came. */
  readonly raw: JsonObject;
}
