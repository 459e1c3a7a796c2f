/**
 * A kind of profile provider: a server on this machine, a user with a token, and the provider's description of the user.
 * For suites that every source must pass.
 */
import type { IncomingMessage } from 'node:http';
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import type { SourcedProfile } from '../../src/profiles/profile-source.js';

export interface StandAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A text is sent unchanged, anything else as JSON. */
  readonly body: unknown;
}

export type Members = Readonly<Record<string, unknown>>;

/** A user of the provider. */
export interface Known {
  readonly id: string;
  readonly profile: SourcedProfile;
  /** The provider's own response. */
  readonly raw: Members;
}

export interface ProfileStand {
  readonly name: string;
  readonly provide: (url: string) => IdentityProvider;
  readonly token: string;
  /** The claims of the token, where it is not a JWT. */
  readonly claims?: Members;
  readonly caller: Known;
  /** The provider's response. */
  readonly answer: (request: IncomingMessage) => StandAnswer | Promise<StandAnswer>;
  /** The response when the caller was deleted. */
  readonly gone: StandAnswer;
  /** The member that has the user's id. */
  readonly idMember: string;
  /** Invalid values of members, with the name of the invalid field where it is another one. */
  readonly impossible: readonly (readonly [member: string, value: unknown, named?: string])[];
  /** The request for the caller's profile. */
  readonly callsToGet: readonly string[];
  /** Texts that must not appear anywhere. */
  readonly secrets: readonly string[];
  /** How other users are looked up; `null` when that requires this option. */
  readonly others: OtherUsers | { readonly option: string };
}

interface OtherUsers {
  readonly known: Known;
  readonly unknownId: string;
  readonly callsToFind: (id: string) => readonly string[];
  /** For the caller, the other user and the unknown user together. */
  readonly callsToGetMany: (ids: readonly string[]) => readonly string[];
}

export const json = { 'content-type': 'application/json; charset=utf-8' };
