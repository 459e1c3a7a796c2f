import { readAddress, type AddressRule } from '../configuration/read-address.js';
import { type GivenOptions, path, readOptions, readSwitch, requireText } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';
import type { TokenStatusSource } from '../token/trusted-issuer.js';
import type { AuthContext, Capability } from '../upstream/auth-context.js';
import type { HttpAnswer } from '../upstream/http-client.js';
import { callEndpoint, type DiscoveredIssuer } from './discovered-issuer.js';
import { readIntrospection } from './introspection-answer.js';
import { callerOf, observedStatusSource } from './observed-status-source.js';

/** The credentials with which the issuer is asked about tokens (RFC 7662). */
export interface IntrospectionOptions {
  /** The client id of this API at the issuer: a confidential client that is allowed to use introspection. */
  readonly clientId: string;
  /** Only sent to the endpoint, by `client_secret_basic` (RFC 6749 §2.3.1). */
  readonly clientSecret: string;
  /** The address of the endpoint. @defaultValue the `introspection_endpoint` of the issuer's metadata */
  readonly endpoint?: string;
  /**
   * Whether the issuer is asked about tokens that are not JWTs. They name no issuer, so only one issuer of an app may be
   * asked about them.
   *
   * The issuer's answer about an opaque token must contain `sub`, `exp` and one of the `audience`s. When any audience is
   * accepted, it must also contain `token_type`, because a refresh token would be accepted otherwise.
   *
   * @defaultValue true
   */
  readonly opaqueTokens?: boolean;
}

/** How an issuer is asked, after the options were read. */
export interface Introspection {
  readonly authorization: string;
  readonly endpoint: string | undefined;
  readonly opaqueTokens: boolean;
}

const names = ['clientId', 'clientSecret', 'endpoint', 'opaqueTokens'] as const;

/** @throws {ConfigurationError} for a missing, wrong or unknown option. */
export function readIntrospectionOptions(
  preset: string,
  options: GivenOptions,
  rule: AddressRule,
): Introspection | undefined {
  if (options['introspection'] === undefined) return undefined;
  const where = path(preset, 'introspection');
  const given = readOptions(where, options['introspection'], names);
  const fix = 'Write what the registration of this API at the issuer states';
  const clientId = requireText(where, given, 'clientId', fix);
  const clientSecret = requireText(where, given, 'clientSecret', fix);
  return {
    authorization: basicCredentials(clientId, clientSecret),
    endpoint: readAddress(where, given, 'endpoint', rule),
    opaqueTokens: readSwitch(where, given, 'opaqueTokens', true),
  };
}

/** How each issuer of a preset is asked. Issuers with the same endpoint share the capability. */
export function introspectionsOf(
  introspection: Introspection,
  acceptsAnyAudience: boolean,
): (issuer: DiscoveredIssuer) => Capability<TokenStatusSource> {
  const known = new Map<DiscoveredIssuer | string, Capability<TokenStatusSource>>();
  return (issuer) => {
    const place = introspection.endpoint ?? issuer;
    const capability = known.get(place) ?? introspectionOf(issuer, introspection, acceptsAnyAudience);
    known.set(place, capability);
    return capability;
  };
}

/** Asks at the endpoint of the options, or at the one that the issuer's metadata names. */
function introspectionOf(
  issuer: DiscoveredIssuer,
  { authorization, endpoint, opaqueTokens }: Introspection,
  acceptsAnyAudience: boolean,
): Capability<TokenStatusSource> {
  const create = (context: AuthContext): TokenStatusSource => {
    const ask = async (
      token: string,
      claims: JsonObject | null,
      about?: { readonly isKnown: boolean },
    ): Promise<JsonObject> => {
      // The call changes nothing, so it may be repeated.
      const form = { token, token_type_hint: 'access_token' };
      const caller = callerOf(token, about);
      const call = { method: 'POST', headers: { authorization }, form, repeatable: true, caller } as const;
      const answer =
        endpoint === undefined
          ? await callDiscovered(issuer, context, call)
          : await context.providerClient(endpoint).call({ ...call, url: endpoint });
      const introspected = readIntrospection(answer, issuer.name);
      if (claims === null && acceptsAnyAudience) checkKind(introspected);
      return introspected;
    };
    return observedStatusSource(context, issuer.name, { acceptsOpaqueTokens: opaqueTokens, ask });
  };
  return { create };
}

async function callDiscovered(
  issuer: DiscoveredIssuer,
  context: AuthContext,
  call: Parameters<typeof callEndpoint>[3],
): Promise<HttpAnswer> {
  const answer = await callEndpoint(issuer, 'introspection_endpoint', context, call);
  if (answer !== null) return answer;
  throw new ConfigurationError(
    'oidc({ introspection })({ endpoint })',
    'the metadata of the issuer names no introspection_endpoint',
    'Write its address',
  );
}

/** Without an audience, only the type distinguishes an opaque access token from a refresh token. */
function checkKind(introspected: JsonObject): void {
  if (introspected['token_type'] !== undefined) return;
  throw RefusalError.token(
    'type',
    'The issuer does not state its token_type, and any audience is accepted: it may be a refresh token',
  );
}

/** RFC 6749 §2.3.1: id and secret are form-encoded before they are joined. */
function basicCredentials(clientId: string, clientSecret: string): string {
  const pair = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
