/**
 * A kind of provider that profiles come from: a server on this machine, a user who has a token, and what the provider
 * tells of them. For suites that every source has to pass.
 */
import type { IncomingMessage } from 'node:http';
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import type { SourcedProfile } from '../../src/profiles/profile-source.js';

export interface StandAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text goes out as it is, anything else as JSON. */
  readonly body: unknown;
}

export type Members = Readonly<Record<string, unknown>>;

/** Somebody whom the provider knows. */
export interface Known {
  readonly id: string;
  readonly profile: SourcedProfile;
  /** The provider's own answer. */
  readonly raw: Members;
}

export interface ProfileStand {
  readonly name: string;
  readonly provide: (url: string) => IdentityProvider;
  readonly token: string;
  /** The claims of the token, where it is not a JWT. */
  readonly claims?: Members;
  readonly caller: Known;
  /** What the provider answers. */
  readonly answer: (request: IncomingMessage) => StandAnswer | Promise<StandAnswer>;
  /** What it answers when the caller has been deleted. */
  readonly gone: StandAnswer;
  /** The member that names the user. */
  readonly idMember: string;
  /** Values that members never have; and what is named then, where it is another member. */
  readonly impossible: readonly (readonly [member: string, value: unknown, named?: string])[];
  /** What reaches it for the caller's profile. */
  readonly callsToGet: readonly string[];
  /** What must not be shown to anybody. */
  readonly secrets: readonly string[];
  /** How others than the caller are looked for; `null`: not at all, but for this option. */
  readonly others: OtherUsers | { readonly option: string };
}

interface OtherUsers {
  readonly known: Known;
  readonly unknownId: string;
  readonly callsToFind: (id: string) => readonly string[];
  /** For the caller, the other and the unknown one together. */
  readonly callsToGetMany: (ids: readonly string[]) => readonly string[];
}

export const json = { 'content-type': 'application/json; charset=utf-8' };
