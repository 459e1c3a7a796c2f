import { SingleFlight } from '../upstream/single-flight.js';
import { type DiscoveryPlan, discover, type DocumentFetcher, type IssuerMetadata } from './discovery.js';

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
