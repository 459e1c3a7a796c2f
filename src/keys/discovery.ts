import { findAddressFault, type AddressRule } from '../configuration/read-address.js';
import { SingleFlight } from '../upstream/single-flight.js';
import { isUpstreamFailure, UpstreamFailure } from '../upstream/upstream-failure.js';

/** The metadata that an issuer publishes about itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwksUri: string;
  /** Every member of the document. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** Fetches a document. Rejects with an `UpstreamFailure`, which has the status of the response if there was one. */
export interface DocumentFetcher {
  getJson(address: string): Promise<{ readonly body: unknown }>;
}

export interface DiscoveryPlan {
  /** The accepted values of the document's `issuer`. */
  readonly issuers: readonly string[];
  /** The addresses in the order in which they are tried; the next one is tried when an address has no document. */
  readonly addresses: readonly string[];
  readonly rule: AddressRule;
}

/** The possible addresses of an issuer's metadata: OpenID Connect's first, then RFC 8414's. */
export function discoveryAddresses(issuer: string): readonly string[] {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, '');
  return [
    // OpenID Connect Discovery 1.0 §4 appends the path to the issuer, without a trailing slash.
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    // RFC 8414 §3.1 inserts it between host and path.
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

/** @throws {UpstreamFailure} when no address has a valid document of the issuer. */
export async function discover(fetcher: DocumentFetcher, plan: DiscoveryPlan): Promise<IssuerMetadata> {
  let absent: UpstreamFailure | undefined;
  for (const address of plan.addresses) {
    try {
      const { body } = await fetcher.getJson(address);
      return readMetadata(body, plan);
    } catch (error) {
      if (!isUpstreamFailure(error) || !isAbsent(error)) throw error;
      absent ??= error;
    }
  }
  throw absent ?? new UpstreamFailure('unexpected', 'there is no address to fetch the metadata from');
}

/**
 * Finds the address of an endpoint in the metadata; `null` where the metadata has none.
 *
 * @throws {UpstreamFailure} when the address may not be called.
 */
export function findEndpoint({ members }: IssuerMetadata, name: string, rule: AddressRule): string | null {
  const address = members[name] ?? null;
  if (address === null) return null;
  if (typeof address !== 'string') throw new UpstreamFailure('unexpected', `the metadata's ${name} is not an address`);
  checkMember(name, address, rule);
  return address;
}

/** Request Timeout and Too Many Requests (RFC 9110 §15.5.9, RFC 6585 §4) are temporary, although their class is 4xx. */
const temporaryStatuses: readonly number[] = [408, 429];

/** Whether a 4xx status says that the document does not exist. Trying the next address would hide any other failure. */
function isAbsent({ problem, status }: UpstreamFailure): boolean {
  if (problem !== 'status' || status === null) return false;
  return status >= 400 && status < 500 && !temporaryStatuses.includes(status);
}

function readMetadata(body: unknown, plan: DiscoveryPlan): IssuerMetadata {
  const members: Readonly<Record<string, unknown>> = typeof body === 'object' && body !== null ? { ...body } : {};
  const { issuer, jwks_uri: jwksUri } = members;
  // OpenID Connect Discovery 1.0 §4.3, RFC 8414 §3.3: the issuer must be identical to the configured one.
  if (typeof issuer !== 'string' || !plan.issuers.includes(issuer)) {
    throw new UpstreamFailure('unexpected', 'the metadata bears the name of another issuer than the configured one');
  }
  if (typeof jwksUri !== 'string') throw new UpstreamFailure('unexpected', 'the metadata names no jwks_uri');
  checkMember('jwks_uri', jwksUri, plan.rule);
  return { issuer, jwksUri, members };
}

function checkMember(name: string, address: string, rule: AddressRule): void {
  const fault = findAddressFault(address, rule);
  if (fault !== undefined)
    throw new UpstreamFailure('unexpected', `the metadata's ${name} may not be called: ${fault}`);
}

/** An issuer's metadata, fetched once for all parts of the module that read it and cached until one of them rejects it. */
export class IssuerDocument {
  private metadata: IssuerMetadata | null = null;
  private readonly flight = new SingleFlight<IssuerMetadata>();

  constructor(private readonly plan: DiscoveryPlan) {}

  /** @throws {UpstreamFailure} when it cannot be fetched; the next call tries again. */
  async find(fetcher: DocumentFetcher): Promise<IssuerMetadata> {
    return this.metadata ?? this.flight.run(() => this.fetch(fetcher));
  }

  /** Drops the cached metadata because an address in it has failed; the next `find` fetches it again. */
  forget(metadata: IssuerMetadata): void {
    // A caller that still has an older version must not drop the newer one.
    if (this.metadata === metadata) this.metadata = null;
  }

  private async fetch(fetcher: DocumentFetcher): Promise<IssuerMetadata> {
    this.metadata = await discover(fetcher, this.plan);
    return this.metadata;
  }
}
