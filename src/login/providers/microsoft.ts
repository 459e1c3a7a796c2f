import { path, readText } from '../../configuration/read-options.js';
import type { GivenOptions } from '../../configuration/read-options.js';
import { ConfigurationError } from '../../errors/auth-error.js';
import { discoveredIssuer } from '../../issuers/discovered-issuer.js';
import type { JsonObject } from '../../token/json-object.js';
import { readListClaim, readTextClaim } from '../../user/claim-map.js';
import { type LoginProvider, loginProvider, type Person, type ProviderAnswers } from '../login-provider.js';
import {
  addScopes,
  loginAddressRule,
  type LoginClientOptions,
  readLoginClient,
  readOrigin,
} from './read-login-options.js';
import { readStandardClaims } from './read-standard-claims.js';

/** An app that is registered in Microsoft Entra ID. */
export interface MicrosoftOptions extends LoginClientOptions {
  /**
   * Who may sign in: `'common'`, everybody; `'organizations'`, work and school accounts of any tenant; `'consumers'`, personal accounts; or
   * the directory (tenant) id, a GUID, for the accounts of one tenant.
   *
   * @defaultValue 'common'
   */
  readonly tenant?: string;
  /**
   * Where people sign in, for a national cloud, or a stand-in in tests: `'https://login.microsoftonline.us'`.
   *
   * @defaultValue 'https://login.microsoftonline.com'
   */
  readonly authority?: string;
}

const preset = 'microsoft';
/** The tenant of all personal accounts. */
const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad';
const guid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/**
 * Signs people in with their Microsoft account, of one tenant or of any. The id of a person is `<tenant id>:<object id>`, the same for all apps.
 *
 * An administrator of a tenant can write any address into an account, so an address counts as verified only with the optional claim
 * `xms_edov`, or where it is in `verified_primary_email`. Add one of them under "Token configuration" of the registration.
 *
 * @throws {ConfigurationError} for a missing, wrong or unknown option.
 */
export function microsoft(given: MicrosoftOptions): LoginProvider {
  const { options, client } = readLoginClient(preset, given, ['tenant', 'authority']);
  const tenant = readTenant(options);
  const authority = readOrigin(preset, options, 'authority', 'https://login.microsoftonline.com');
  const nameOf = (id: string): string => `${authority}/${id}/v2.0`;
  const discoveryUrl = `${nameOf(tenant)}/.well-known/openid-configuration`;
  // The metadata for several tenants have this text in place of an id.
  const own = tenant === 'consumers' ? consumers : guid.test(tenant) ? tenant : '{tenantid}';
  return loginProvider({
    ...client,
    clientAuthentication: 'client_secret_post',
    metadata: { discovered: discoveredIssuer([nameOf(own)], loginAddressRule, discoveryUrl) },
    isIssuer: (name) => {
      const id = name.slice(authority.length + 1, -'/v2.0'.length);
      return isAllowed(tenant, id) && name === nameOf(id);
    },
    scopes: addScopes(preset, options, ['openid', 'email', 'profile']),
    responseMode: 'query',
    pkce: true,
    idToken: {
      nonce: 'require',
      algorithms: ['RS256'],
      issuerOf: ({ tid }) => (isAllowed(tenant, tid) ? nameOf(tid) : null),
    },
    userinfo: {},
    readPerson,
  });
}

function readTenant(options: GivenOptions): string {
  const tenant = (readText(preset, options, 'tenant') ?? 'common').toLowerCase();
  if (['common', 'organizations', 'consumers'].includes(tenant) || guid.test(tenant)) return tenant;
  throw new ConfigurationError(
    path(preset, 'tenant'),
    'it is not the id of a tenant',
    "Write 'common', 'organizations', 'consumers' or the directory (tenant) id, a GUID",
  );
}

function isAllowed(tenant: string, id: unknown): id is string {
  if (typeof id !== 'string' || !guid.test(id)) return false;
  if (tenant === 'common') return true;
  if (tenant === 'organizations') return id !== consumers;
  return id === (tenant === 'consumers' ? consumers : tenant);
}

function readPerson(answers: ProviderAnswers): Person {
  const { claims } = answers;
  const person = readStandardClaims(answers);
  const [tenant, object] = [readTextClaim(claims, 'tid'), readTextClaim(claims, 'oid')];
  const verified = person.emailClaims === claims && isVerified(claims, person.email);
  return {
    ...person,
    // `sub` is different for each app, and an object id is unique within its tenant only.
    subject: tenant === null || object === null ? null : `${tenant}:${object}`,
    emailVerified: verified,
    vouchesForEmail: verified,
  };
}

/** "Email domain owner verified": the tenant has proven that it owns the domain of the address. */
function isVerified(claims: JsonObject, email: string | null): boolean {
  if (email === null) return false;
  const verified: readonly unknown[] = [true, 1, '1'];
  const primary = readListClaim(claims, 'verified_primary_email').map((address) => address.toLowerCase());
  return verified.includes(claims['xms_edov']) || primary.includes(email.toLowerCase());
}
