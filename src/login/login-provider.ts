import type { DiscoveredIssuer } from '../issuers/discovered-issuer.js';
import type { Algorithm } from '../keys/algorithm.js';
import { deepFreeze, type JsonObject } from '../token/json-object.js';

/** How an app proves at a token endpoint who it is (RFC 7591 §2 has the names). */
export type ClientAuthentication = (typeof clientAuthentications)[number];

/** The values of the option `clientAuthentication`. */
export const clientAuthentications = ['client_secret_basic', 'client_secret_post', 'none'] as const;

/** What a provider says about a person. */
export interface ProviderAnswers {
  /** The claims of the ID token; without members where the provider issues none. */
  readonly claims: JsonObject;
  /** What the userinfo endpoint has answered; without members where it was not called. */
  readonly userinfo: JsonObject;
}

/** A person, as a preset reads the answers. Values of a wrong type count as absent. */
export interface Person {
  /** `null` where the answers have none: nobody is signed in. */
  readonly subject: string | null;
  readonly email?: string | null;
  readonly emailVerified?: boolean;
  /** Whether an account may be found by the address, or made with it. */
  readonly vouchesForEmail?: boolean;
  readonly name?: string | null;
  readonly givenName?: string | null;
  readonly familyName?: string | null;
  readonly pictureUrl?: string | null;
}

/** How the userinfo endpoint of a provider is called, besides the access token. */
interface UserinfoCalls {
  readonly headers?: Readonly<Record<string, string>>;
  /** Parameters of the address. @param secret the client secret; '' without one */
  readonly parameters?: (accessToken: string, secret: string) => Readonly<Record<string, string>>;
  /** A further address whose answer is added to that of the endpoint. It is left out where it is refused to the token. */
  readonly addition?: { readonly member: string; readonly url: string };
}

/** What an ID token of a provider must fulfil, besides OpenID Connect Core 1.0 §3.1.3.7. */
export interface IdTokenTerms {
  readonly algorithms: readonly Algorithm[];
  /** `absent-ok`: the provider puts none into its tokens, so none is sent. Another one than that of the login is refused in any case. */
  readonly nonce: 'require' | 'absent-ok';
  /** The `iss` that a token with these claims must have; `null` refuses it. Left out, it is the name in the metadata. */
  readonly issuerOf?: (claims: JsonObject) => string | null;
}

/** Where the endpoints of a provider are: in the metadata that it publishes, or in these members of RFC 8414 §2. */
type ProviderMetadata = { readonly discovered: DiscoveredIssuer } | { readonly members: JsonObject };

/** A provider that people sign in at: what a preset (`google()`, `github()`, …) returns. Frozen. It calls nothing. */
export interface LoginProvider {
  /** In the addresses of its routes, and in the identities of its accounts. */
  readonly id: string;
  /** The name of the preset, as apps write it; messages use it. */
  readonly preset: string;
  readonly clientId: string;
  /** `null` for a public client. A function, so that a log of the provider does not show the secret. */
  readonly clientSecret: (() => string | Promise<string>) | null;
  /** `null`: as the metadata states it. */
  readonly clientAuthentication: ClientAuthentication | null;
  readonly metadata: ProviderMetadata;
  /** Whether a text is the name of the provider in an answer (RFC 9207). Left out, it is the name in the metadata. */
  readonly isIssuer?: (issuer: string) => boolean;
  readonly scopes: readonly string[];
  /** Further parameters of the authorization request. */
  readonly authorizationParameters: Readonly<Record<string, string>>;
  readonly responseMode: 'query' | 'form_post';
  /** Errors of its token endpoint that say that a code is not accepted, besides those of RFC 6749. */
  readonly refusedErrors?: readonly string[];
  /** Whether the provider takes PKCE (RFC 7636, S256). */
  readonly pkce: boolean;
  /** `null` for a provider that issues no ID tokens. */
  readonly idToken: IdTokenTerms | null;
  readonly userinfo: UserinfoCalls;
  /** Reads the person. An error of it is answered with 503. */
  readonly readPerson: (answers: ProviderAnswers) => Person;
}

// A registered symbol, so that a provider that a second copy of the package has made is recognized.
const brand = Symbol.for('nest-gatehouse.login-provider');

/** Freezes and brands a complete form. */
export function loginProvider(form: LoginProvider): LoginProvider {
  return deepFreeze(Object.defineProperty({ ...form }, brand, { value: true }));
}

/** Whether a value is a login provider, of any loaded copy of the package. */
export function isLoginProvider(value: unknown): value is LoginProvider {
  return typeof value === 'object' && value !== null && brand in value && Object.isFrozen(value);
}
