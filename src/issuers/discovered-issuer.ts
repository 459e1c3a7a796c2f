import type { AddressRule } from '../configuration/read-address.js';
import { discoveryAddresses, findEndpoint, IssuerDocument, type DocumentFetcher } from '../keys/discovery.js';
import type { ProviderAnswer, ProviderCall } from '../upstream/provider-client.js';
import type { UpstreamClient } from '../upstream/upstream-client.js';
import { UpstreamFailure } from '../upstream/upstream-failure.js';
import type { AuthContext } from './identity-provider.js';

/** An issuer that publishes its metadata. Keys and profiles of one app share one look at it. */
export interface DiscoveredIssuer {
  /** Its name, or the first of them. */
  readonly name: string;
  /** What holds for the addresses that it names. */
  readonly rule: AddressRule;
  /** Its document, on an app's context. */
  documentOn(context: AuthContext): IssuerDocument;
}

/** @param discoveryUrl where the document is, when not at the places that the specifications name. */
export function discoveredIssuer(
  issuers: readonly string[],
  rule: AddressRule,
  discoveryUrl?: string,
): DiscoveredIssuer {
  const [name = ''] = issuers;
  const addresses = discoveryUrl === undefined ? discoveryAddresses(name) : [discoveryUrl];
  // A preset may be handed to several apps, as tests do; each app has one client of its own.
  const documents = new WeakMap<UpstreamClient, IssuerDocument>();
  const documentOn = ({ upstream }: AuthContext): IssuerDocument => {
    const document = documents.get(upstream) ?? new IssuerDocument({ issuers, addresses, rule });
    documents.set(upstream, document);
    return document;
  };
  return { name, rule, documentOn };
}

/**
 * Calls an endpoint that an issuer's metadata names. Where it has moved or cannot be reached, the metadata is looked
 * up anew the next time.
 *
 * @param name as the metadata has it: `userinfo_endpoint`
 * @returns `null` when the metadata names no such endpoint.
 * @throws {UpstreamFailure} when there is no answer.
 */
export async function callEndpoint(
  issuer: DiscoveredIssuer,
  name: string,
  context: AuthContext,
  call: Omit<ProviderCall, 'url'>,
): Promise<ProviderAnswer | null> {
  const document = issuer.documentOn(context);
  const metadata = await document.find(fetcherOn(context));
  const url = findEndpoint(metadata, name, issuer.rule);
  if (url === null) return null;
  try {
    const answer = await context.providerClient(url).call({ ...call, url });
    if (hasMoved(answer)) document.forget(metadata);
    return answer;
  } catch (error) {
    if (error instanceof UpstreamFailure && error.problem === 'unreachable') document.forget(metadata);
    throw error;
  }
}

/** By the client that repeats and spares: somebody waits. */
function fetcherOn({ providerClient }: AuthContext): DocumentFetcher {
  return {
    getJson: async (address) => {
      const { status, body } = await providerClient(address).call({ method: 'GET', url: address });
      const { host } = new URL(address);
      if (status !== 200) throw new UpstreamFailure('status', `${host} answered with status ${status}`, status);
      if (body === undefined)
        throw new UpstreamFailure('content-type', `${host} answered with something that is not JSON`);
      return { body };
    },
  };
}

/** The endpoint is no longer where the metadata has it. */
function hasMoved({ status }: ProviderAnswer): boolean {
  return status === 404 || status === 405 || status === 410;
}
