import {
  type GivenOptions,
  path,
  readOptions,
  readSwitch,
  requireText,
  requireTexts,
} from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import { readObjectClaim, readTextClaim } from '../user/claim-map.js';
import type { IdentityProvider } from './identity-provider.js';
import { type KnownIssuerOptions, knownIssuerNames, knownIssuers } from './known-issuers.js';

/** A Firebase project, or one of Google Cloud's Identity Platform. */
export interface FirebaseOptions extends KnownIssuerOptions {
  /** The project's id, `'shop-4f1c2'`, not its name or its number. */
  readonly projectId: string;
  /** Accepts users who signed in anonymously. @defaultValue false */
  readonly allowAnonymous?: boolean;
  /**
   * The tenants of Identity Platform whose users are accepted. Left out, only users of the project itself, who belong to
   * no tenant, are accepted: the tokens of all tenants have the same issuer and audience.
   */
  readonly tenants?: string | readonly string[];
}

const where = 'firebase';
const keys = 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com';

/**
 * Trusts the users of a Firebase project by their ID tokens, which Firebase's clients send to APIs. Custom claims are in
 * `user.claims`; those named `roles` and `permissions` are also in `user.roles` and `user.permissions`.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function firebase(given: FirebaseOptions): IdentityProvider {
  const options = readOptions(where, given, ['projectId', 'allowAnonymous', 'tenants', ...knownIssuerNames]);
  const projectId = readProjectId(options);
  const allowAnonymous = readSwitch(where, options, 'allowAnonymous', false);
  const tenants = readTenants(options);
  return knownIssuers(where, options, {
    issuers: [{ issuer: `https://securetoken.google.com/${projectId}`, jwksUri: keys }],
    audience: [projectId],
    algorithms: ['RS256'],
    findFault: (claims) => findTenantFault(claims, tenants) ?? findAnonymousFault(claims, allowAnonymous),
    addClaims: (mapped, claims) => ({ ...mapped, isAnonymous: isAnonymous(claims) }),
    issuerHints: new Map([
      [
        `https://session.firebase.google.com/${projectId}`,
        "It is a session cookie of the project. Send the user's ID token, as getIdToken() gives it",
      ],
    ]),
  });
}

function readProjectId(options: GivenOptions): string {
  const fix = "Write the project's id, as in shop-4f1c2; it is in the project's settings";
  const projectId = requireText(where, options, 'projectId', fix);
  if (/^[a-z][a-z\d.:-]+$/.test(projectId)) return projectId;
  throw new ConfigurationError(path(where, 'projectId'), 'it is not the id of a project', fix);
}

function readTenants(options: GivenOptions): readonly string[] | undefined {
  if (options['tenants'] === undefined) return undefined;
  return requireTexts(where, options, 'tenants', 'Write the id of the tenant, or a list of ids');
}

function findTenantFault(claims: JsonObject, tenants: readonly string[] | undefined): RefusalError | undefined {
  const tenant = readObjectClaim(claims, 'firebase')?.['tenant'];
  if (tenants === undefined ? tenant === undefined : tenants.some((known) => known === tenant)) return undefined;
  const expected = tenants === undefined ? 'no tenant' : `the tenant ${tenants.map(logText).join(' or ')}`;
  const came = tenant === undefined ? 'none' : logText(tenant);
  return RefusalError.token(
    'claim',
    `Expected a user of ${expected}, the token names ${came}. To accept others, change firebase({ tenants })`,
  );
}

function findAnonymousFault(claims: JsonObject, allowed: boolean): RefusalError | undefined {
  if (allowed || !isAnonymous(claims)) return undefined;
  return RefusalError.token(
    'claim',
    'It is the token of an anonymous user. To accept such users, set firebase({ allowAnonymous: true })',
  );
}

function isAnonymous(claims: JsonObject): boolean {
  const about = readObjectClaim(claims, 'firebase') ?? {};
  return readTextClaim(about, 'sign_in_provider') === 'anonymous';
}
