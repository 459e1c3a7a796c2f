import type { OnApplicationBootstrap } from '@nestjs/common';

import { ConfigurationError } from '../errors/configuration-error.js';
import type { Authenticator } from '../guard/authenticator.js';
import { TokenAuthenticator } from '../guard/token-authenticator.js';
import type { EntryPoint } from './entry-point.js';
import type { EntryPoints } from './entry-points.service.js';

/** The option that an issuer lacks, and what to write. */
interface LackingOption {
  readonly option: string;
  readonly mend: string;
}

/** What no issuer of the app can do as it is configured; `null` where one of them can. */
export interface LackingMeans {
  readonly online: LackingOption | null;
  readonly profile: LackingOption | null;
}

/**
 * Stops an app whose routes ask of the issuers what none of them can do: else each request there would end in a 500. With
 * an `Authenticator` of the app's own, it is that one's to know.
 */
export class MeansCheck implements OnApplicationBootstrap {
  constructor(
    private readonly entryPoints: EntryPoints,
    private readonly lacking: LackingMeans,
    private readonly authenticator: Authenticator,
  ) {}

  /** Called by Nest before the app listens. @throws {ConfigurationError} naming the handler and the option. */
  onApplicationBootstrap(): void {
    const { online, profile } = this.lacking;
    if ((online === null && profile === null) || !(this.authenticator instanceof TokenAuthenticator)) return;
    const entries = this.entryPoints.list();
    if (online !== null) refuse('@VerifyOnline()', online, entries.find(asksOnline));
    if (profile !== null) refuse('@RequireProfile()', profile, entries.find(asksForProfile));
  }
}

function refuse(mark: string, { option, mend }: LackingOption, entry: EntryPoint | undefined): void {
  if (entry === undefined) return;
  throw new ConfigurationError(option, `${entry.handler} demands ${mark}, and no issuer can be asked for it`, mend);
}

function asksOnline({ demands }: EntryPoint): boolean {
  return demands?.online === true;
}

function asksForProfile({ demands }: EntryPoint): boolean {
  return demands?.requirements.some(({ kind }) => kind === 'profile') === true;
}
