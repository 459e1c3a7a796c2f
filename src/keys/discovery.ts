import { findAddressFault, type AddressRule } from '../configuration/read-address.js';
import { SingleFlight } from '../upstream/single-flight.js';
import { isUpstreamFailure, UpstreamFailure } from '../upstream/upstream-failure.js';

/** What an issuer publishes about itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwksUri: string;
  /** All that the document says. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** Fetches a document; fails with an `UpstreamFailure`, by the status where one came. */
export interface DocumentFetcher {
  getJson(address: string): Promise<{ readonly body: unknown }>;
}

export interface DiscoveryPlan {
  /** The names that the document may bear; any other one is refused. */
  readonly issuers: readonly string[];
  /** Where to ask, in this order; the next is tried when one has no such document. */
  readonly addresses: readonly string[];
  readonly rule: AddressRule;
}

/** Where an issuer's metadata may be: OpenID Connect's place first, then RFC 8414's. */
export function discoveryAddresses(issuer: string): readonly string[] {
  const url = new URL(issuer);
  const path = url.pathname.replace(/\/$/, '');
  return [
    // OpenID Connect Discovery 1.0 §4: appended to the issuer, less a slash at its end.
    `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    // RFC 8414 §3.1: put between host and path.
    `${url.origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

/** @throws {UpstreamFailure} when no address has a document that may be believed. */
export async function discover(fetcher: DocumentFetcher, plan: DiscoveryPlan): Promise<IssuerMetadata> {
  let absent: UpstreamFailure | undefined;
  for (const address of plan.addresses) {
    try {
      const { body } = await fetcher.getJson(address);
      return readMetadata(body, plan);
    } catch (error) {
      if (!isUpstreamFailure(error) || !saysThatThereIsNone(error)) throw error;
      absent ??= error;
    }
  }
  throw absent ?? new UpstreamFailure('unexpected', 'there is no address to ask for the metadata');
}

/**
 * The address of an endpoint that the metadata names, `null` where it names none.
 *
 * @throws {UpstreamFailure} when the address may not be called.
 */
export function findEndpoint({ members }: IssuerMetadata, name: string, rule: AddressRule): string | null {
  const address = members[name] ?? null;
  if (address === null) return null;
  if (typeof address !== 'string') throw new UpstreamFailure('unexpected', `the metadata's ${name} is no address`);
  checkMember(name, address, rule);
  return address;
}

/** Request Timeout and Too Many Requests (RFC 9110 §15.5.9, RFC 6585 §4): client errors by number only, and over in a while. */
const passing: readonly number[] = [408, 429];

/** A client error means "not here"; anything else is trouble, and asking elsewhere would hide it. */
function saysThatThereIsNone({ problem, status }: UpstreamFailure): boolean {
  return problem === 'status' && status !== null && status >= 400 && status < 500 && !passing.includes(status);
}

function readMetadata(body: unknown, plan: DiscoveryPlan): IssuerMetadata {
  const members: Readonly<Record<string, unknown>> = typeof body === 'object' && body !== null ? { ...body } : {};
  const { issuer, jwks_uri: jwksUri } = members;
  // OpenID Connect Discovery 1.0 §4.3, RFC 8414 §3.3: the name must be the one that was asked for, to the letter.
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

/** What an issuer publishes about itself: looked up once, whoever needs a part of it, and kept while it works. */
export class IssuerDocument {
  private metadata: IssuerMetadata | null = null;
  private readonly flight = new SingleFlight<IssuerMetadata>();

  constructor(private readonly plan: DiscoveryPlan) {}

  /** @throws {UpstreamFailure} when it cannot be had; the next time it is looked for anew. */
  async find(fetcher: DocumentFetcher): Promise<IssuerMetadata> {
    return this.metadata ?? this.flight.run(() => this.fetch(fetcher));
  }

  /** Has it looked up anew the next time, as something that it says has failed. */
  forget(metadata: IssuerMetadata): void {
    // Whoever comes late with an old one must not throw a new one away.
    if (this.metadata === metadata) this.metadata = null;
  }

  private async fetch(fetcher: DocumentFetcher): Promise<IssuerMetadata> {
    this.metadata = await discover(fetcher, this.plan);
    return this.metadata;
  }
}
