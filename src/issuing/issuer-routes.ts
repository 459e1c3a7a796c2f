import { publicAddress } from '../configuration/public-url.js';
import type { RequestView } from '../request/request-view.js';
import { type AdapterAnswer, type AdapterRoute, answerDocument, toJsonDocument } from './adapter-route.js';
import type { AuthorizationServerMetadata } from './authorization-server-metadata.js';
import type { PublicJwk } from './signing-keys.js';

export interface IssuerRoutesParts {
  /** The `iss` of the app's tokens. */
  readonly issuer: string;
  /** The outside address of the app's `/`. */
  readonly publicUrl: string;
  /** The keys that verify the app's tokens now. Rejects with an `AuthError`. */
  readonly published: () => Promise<readonly PublicJwk[]>;
  /** What other modules publish. It is read at each request. */
  readonly metadata: AuthorizationServerMetadata;
}

const keysPath = '/.well-known/jwks.json';
const metadataPath = '/.well-known/oauth-authorization-server';
const authorizationPath = '/oauth/authorize';

/**
 * The routes by which others learn how to verify the app's own tokens: its public keys (RFC 7517 §5) and its metadata
 * (RFC 8414 §3), also at the path with that of the issuer appended (§3.1), and an authorization endpoint that offers no
 * response type.
 */
export function issuerRoutes({ issuer, publicUrl, published, metadata }: IssuerRoutesParts): readonly AdapterRoute[] {
  const keys = rememberLast((jwks: readonly PublicJwk[]) => toJsonDocument({ keys: jwks }));
  const answerKeys = async (view: RequestView): Promise<AdapterAnswer> => answerDocument(keys(await published()), view);
  const answerMetadata = (view: RequestView): AdapterAnswer => {
    const document = metadata.toDocument({
      issuer,
      jwks_uri: publicAddress(publicUrl, '', keysPath),
      authorization_endpoint: publicAddress(publicUrl, '', authorizationPath),
      // Both lists have a default that would claim the authorization code flow (RFC 8414 §2).
      response_types_supported: [],
      grant_types_supported: [],
    });
    return answerDocument(toJsonDocument(document), view);
  };
  const issuerPath = new URL(issuer).pathname.replace(/\/+$/, '');
  const metadataPaths = new Set([metadataPath, `${metadataPath}${issuerPath}`]);
  return [
    { method: 'GET', path: keysPath, isPublic: true, answer: answerKeys },
    ...[...metadataPaths].map((path) => ({ method: 'GET', path, isPublic: true, answer: answerMetadata }) as const),
    { method: 'GET', path: authorizationPath, isPublic: false, answer: refuseAuthorization },
    { method: 'POST', path: authorizationPath, isPublic: false, answer: refuseAuthorization },
  ];
}

/** MCP clients refuse metadata without an authorization endpoint. This one states that there is no response type. */
function refuseAuthorization(): AdapterAnswer {
  return {
    status: 400,
    headers: [
      ['Content-Type', 'application/json; charset=utf-8'],
      ['Cache-Control', 'no-store'],
    ],
    body: JSON.stringify({ error: 'unsupported_response_type' }),
  };
}

/** Computes again only for another value. */
function rememberLast<Value, Result>(compute: (value: Value) => Result): (value: Value) => Result {
  let last: { readonly value: Value; readonly result: Result } | undefined;
  return (value) => {
    if (last?.value !== value) last = { value, result: compute(value) };
    return last.result;
  };
}
