import { requireAddress } from '../configuration/read-address.js';
import { type GivenOptions, path, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { KeySource } from '../keys/key-source.js';
import type { JsonObject } from '../token/json-object.js';
import type { Capability } from '../upstream/auth-context.js';
import { readObjectClaim, readTextClaim, type MappedClaims } from '../user/claim-map.js';
import { findPartyFault, readAuthorizedParties } from './authorized-parties.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, knownIssuers } from './known-issuers.js';
import { refuseKeyOptions } from './remote-keys.js';
import { addRoles } from './read-roles-claim.js';
import { readAddressRule, type TermOptions } from './read-terms.js';
import { readSecret } from './static-keys.js';

/** A Supabase project. */
export interface SupabaseOptions extends KnownIssuerOptions {
  /**
   * The project's URL, `'https://abcdefghijklmnopqrst.supabase.co'`, or the custom domain that clients use, or a
   * server of your own.
   */
  readonly url: string;
  /**
   * The legacy JWT secret, for a project that still signs with it (HS256). Anyone who has it can sign tokens, so prefer to
   * move the project to signing keys and to leave this out: then public keys are fetched from the project.
   */
  readonly jwtSecret?: string | Uint8Array;
  /** Accepts users who signed in anonymously; apart from that their tokens look like those of others. @defaultValue false */
  readonly allowAnonymous?: boolean;
  /**
   * The OAuth clients whose tokens are accepted in addition to those of the project's own apps, when the project is an
   * OAuth server for other apps (the claim `client_id`). @defaultValue none
   */
  readonly clientId?: string | readonly string[];
  /** The algorithms with which the project signs: ES256, RS256, EdDSA. @defaultValue ES256 and RS256; with `jwtSecret` HS256 */
  readonly algorithms?: TermOptions['algorithms'];
}

const where = 'supabase';

/**
 * Trusts the users of a Supabase project. The database role (`role`) is in `user.roles`; your own roles are in the claim
 * that your access token hook adds: see `rolesClaim`. Only the name is read from `user_metadata`, which users write
 * themselves. Whether an e-mail address is verified is in no other part of the token, so it stays unknown.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function supabase(given: SupabaseOptions): IdentityProvider {
  const options = readOptions(where, given, [
    ...['url', 'jwtSecret', 'allowAnonymous', 'clientId', 'algorithms'],
    ...knownIssuerNames,
  ]);
  const issuer = `${readUrl(options)}/auth/v1`;
  const keys = readLegacySecret(options);
  const allowAnonymous = readSwitch(where, options, 'allowAnonymous', false);
  const clients = readAuthorizedParties(where, options, 'clientId') ?? [];
  return knownIssuers(where, options, {
    issuers: [{ issuer, jwksUri: `${issuer}/.well-known/jwks.json` }],
    audience: ['authenticated'],
    ...(keys === undefined
      ? { algorithms: ['ES256', 'RS256', 'EdDSA'], usualAlgorithms: ['ES256', 'RS256'] }
      : { algorithms: ['HS256'], keys }),
    findFault: (claims) => findAnonymousFault(claims, allowAnonymous) ?? findClientFault(claims, clients),
    addClaims,
  });
}

function readUrl(options: GivenOptions): string {
  const fix = "Write the project's URL";
  const url = requireAddress(where, options, 'url', readAddressRule(options), fix).replace(/\/+$/, '');
  if (!/\/(?:auth|rest)(?:\/|$)/.test(new URL(url).pathname) && !url.includes('?')) return url;
  throw new ConfigurationError(
    path(where, 'url'),
    'it has a path that does not belong to it',
    `Write ${new URL(url).origin}`,
  );
}

function readLegacySecret(options: GivenOptions): Capability<KeySource> | undefined {
  if (options['jwtSecret'] === undefined) return undefined;
  refuseKeyOptions(where, options, 'jwtSecret');
  if (options['jwksUri'] !== undefined) {
    throw new ConfigurationError(
      path(where, 'jwksUri'),
      'it has no effect together with jwtSecret',
      'Leave one of them out',
    );
  }
  return readSecret(path(where, 'jwtSecret'), options['jwtSecret']).keys;
}

function findAnonymousFault(claims: JsonObject, allowed: boolean): RefusalError | undefined {
  if (allowed || claims['is_anonymous'] !== true) return undefined;
  return RefusalError.token(
    'claim',
    'It is the token of an anonymous user. To accept such users, set supabase({ allowAnonymous: true })',
  );
}

/** Tokens of the project's own apps name no client. */
function findClientFault(claims: JsonObject, clients: readonly string[]): RefusalError | undefined {
  return claims['client_id'] === undefined ? undefined : findPartyFault(claims, ['client_id'], clients);
}

function addClaims(mapped: MappedClaims, claims: JsonObject): MappedClaims {
  const role = readTextClaim(claims, 'role');
  const written = readObjectClaim(claims, 'user_metadata') ?? {};
  return {
    ...addRoles(mapped, role === null ? [] : [role]),
    isAnonymous: claims['is_anonymous'] === true,
    name: readTextClaim(written, 'full_name') ?? readTextClaim(written, 'name'),
    sessionId: readTextClaim(claims, 'session_id'),
  };
}
