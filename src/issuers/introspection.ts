import { readAddress, type AddressRule } from '../configuration/read-address.js';
import { type GivenOptions, path, readOptions, readSwitch, requireText } from '../configuration/read-options.js';
import { ConfigurationError, RefusalError } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';
import type { TokenStatusSource } from '../token/trusted-issuer.js';
import type { AuthContext, Capability } from '../upstream/auth-context.js';
import type { HttpAnswer } from '../upstream/http-client.js';
import { callEndpoint, type DiscoveredIssuer } from './discovered-issuer.js';
import { readIntrospection } from './introspection-answer.js';
import { observedStatusSource } from './observed-status-source.js';

/** How an issuer is asked about tokens (RFC 7662). */
export interface IntrospectionOptions {
  /** What the issuer knows this API by: a confidential client of its own, which may ask about tokens. */
  readonly clientId: string;
  /** Sent to the endpoint only, by `client_secret_basic` (RFC 6749 §2.3.1). */
  readonly clientSecret: string;
  /** Where to ask. @defaultValue the `introspection_endpoint` of the issuer's metadata */
  readonly endpoint?: string;
  /**
   * Whether tokens that are no JWTs are asked about. They name no issuer, so of several issuers only one may be
   * asked about them.
   *
   * An opaque token has to be told by the issuer as any other: with `sub`, `exp` and one of the `audience`s. Where
   * any audience is accepted, it also has to say `token_type`, as a refresh token would else do.
   *
   * @defaultValue true
   */
  readonly opaqueTokens?: boolean;
}

/** The same, read. */
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
  const fix = "Write what the issuer's registration of this API says";
  const clientId = requireText(where, given, 'clientId', fix);
  const clientSecret = requireText(where, given, 'clientSecret', fix);
  return {
    authorization: basicCredentials(clientId, clientSecret),
    endpoint: readAddress(where, given, 'endpoint', rule),
    opaqueTokens: readSwitch(where, given, 'opaqueTokens', true),
  };
}

/** How each issuer of a preset is asked; all as one where they are asked at one place. */
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

/** By the endpoint that was given, else the one that the issuer's metadata names. */
function introspectionOf(
  issuer: DiscoveredIssuer,
  { authorization, endpoint, opaqueTokens }: Introspection,
  acceptsAnyAudience: boolean,
): Capability<TokenStatusSource> {
  const create = (context: AuthContext): TokenStatusSource => {
    const ask = async (token: string, claims: JsonObject | null): Promise<JsonObject> => {
      // It only asks, so it may be sent again.
      const form = { token, token_type_hint: 'access_token' };
      const call = { method: 'POST', headers: { authorization }, form, repeatable: true } as const;
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
    'Write where it is',
  );
}

/** Nothing else tells an opaque access token from a refresh token that somebody sends in its place. */
function checkKind(introspected: JsonObject): void {
  if (introspected['token_type'] !== undefined) return;
  throw RefusalError.token(
    'type',
    'The issuer does not say its token_type, and any audience is accepted: it may be a refresh token as well',
  );
}

/** RFC 6749 §2.3.1: each of the two is form-encoded before they are joined. */
function basicCredentials(clientId: string, clientSecret: string): string {
  const pair = `${formEncode(clientId)}:${formEncode(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
