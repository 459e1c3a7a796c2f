import type { AddressRule } from '../configuration/read-address.js';
import { discoveryAddresses, findEndpoint, IssuerDocument } from '../keys/discovery.js';
import type { AuthContext } from '../upstream/auth-context.js';
import type { HttpAnswer, HttpCall, HttpCaller } from '../upstream/http-client.js';
import { isUpstreamFailure } from '../upstream/upstream-failure.js';

/** An issuer that publishes its metadata. The keys and the profiles of one app share one document. */
export interface DiscoveredIssuer {
  /** Its name, or the first of its names. */
  readonly name: string;
  /** Which of the addresses in its metadata may be called. */
  readonly rule: AddressRule;
  /** The document, as one app has fetched it. */
  documentOn(context: AuthContext): IssuerDocument;
}

/** @param discoveryUrl the address of the document, when it is not one of the places that the specifications name. */
export function discoveredIssuer(
  issuers: readonly string[],
  rule: AddressRule,
  discoveryUrl?: string,
): DiscoveredIssuer {
  const [name = ''] = issuers;
  const addresses = discoveryUrl === undefined ? discoveryAddresses(name) : [discoveryUrl];
  // A preset may be used by several apps, as in tests; each app has one client of its own.
  const documents = new WeakMap<HttpCaller, IssuerDocument>();
  const documentOn = ({ upstream }: AuthContext): IssuerDocument => {
    const document = documents.get(upstream) ?? new IssuerDocument({ issuers, addresses, rule });
    documents.set(upstream, document);
    return document;
  };
  return { name, rule, documentOn };
}

/**
 * Calls an endpoint that an issuer's metadata names. When the endpoint has moved or cannot be reached, the next call
 * fetches the metadata again.
 *
 * @param name as in the metadata: `userinfo_endpoint`
 * @returns `null` when the metadata names no such endpoint.
 * @throws {UpstreamFailure} when there is no answer.
 */
export async function callEndpoint(
  issuer: DiscoveredIssuer,
  name: string,
  context: AuthContext,
  call: Omit<HttpCall, 'url'>,
): Promise<HttpAnswer | null> {
  const document = issuer.documentOn(context);
  // A request waits for the metadata here, so they are fetched by the client that repeats failed calls.
  const fetcher = { getJson: (address: string) => context.providerClient(address).getJson(address) };
  const metadata = await document.find(fetcher);
  const url = findEndpoint(metadata, name, issuer.rule);
  if (url === null) return null;
  try {
    const answer = await context.providerClient(url).call({ ...call, url });
    if (hasMoved(answer)) document.forget(metadata);
    return answer;
  } catch (error) {
    if (isUpstreamFailure(error) && error.problem === 'unreachable') document.forget(metadata);
    throw error;
  }
}

/** Whether the endpoint is no longer at the address that the metadata names. */
function hasMoved({ status }: HttpAnswer): boolean {
  return status === 404 || status === 405 || status === 410;
}
