import type { AddressRule } from '../configuration/address-rule.js';
import { discoveryAddresses } from '../keys/discovery.js';
import { IssuerDocument } from '../keys/issuer-document.js';
import type { UpstreamClient } from '../upstream/upstream-client.js';
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
