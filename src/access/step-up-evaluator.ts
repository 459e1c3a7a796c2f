import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import type { AuthUser } from '../user/auth-user.js';
import { readListClaim, readTextClaim } from '../user/claim-map.js';
import { type Decision, denied, granted } from './decision.js';
import { nameOf, type StepUpRequirement } from './requirement.js';

export interface StepUpParts {
  readonly clock: Clock;
  /** How many seconds the clock of an issuer may differ. */
  readonly toleranceSecondsOf: (issuer: string) => number;
}

/** Decides whether a person has signed in lately enough and strongly enough (RFC 9470), by the claims of the token. */
export class StepUpEvaluator {
  constructor(private readonly parts: StepUpParts) {}

  /** A caller who cannot sign in gets 403, because the challenge would ask for what they can never do. */
  decide(requirement: StepUpRequirement, user: AuthUser): Decision {
    if (isProgram(user)) {
      return denied(`It requires ${nameOf(requirement)}; the caller is a program, which does not sign in`);
    }
    const problem = this.findProblem(requirement, user);
    if (problem === null) return granted;
    const explanation = `It requires ${nameOf(requirement)}; ${problem}`;
    // All of it is named, so that one sign-in satisfies the route.
    return {
      kind: 'refused',
      refusal: RefusalError.tooOld(requirement.maxAgeSeconds, explanation, requirement.acr ?? []),
    };
  }

  private findProblem({ acr, amr, maxAgeSeconds }: StepUpRequirement, user: AuthUser): string | null {
    const claims = claimsOf(user);
    const contained = readTextClaim(claims, 'acr');
    if (acr !== null && (contained === null || !acr.includes(contained))) {
      return `the "acr" of the token is ${contained === null ? 'missing' : logText(contained)}`;
    }
    const methods = readListClaim(claims, 'amr');
    if (!amr.every((method) => methods.includes(method))) return `the "amr" of the token has ${logText(methods)}`;
    return maxAgeSeconds === null ? null : this.findProblemOfAge(maxAgeSeconds, claims['auth_time'], user.issuer);
  }

  private findProblemOfAge(maxAgeSeconds: number, signedInAt: unknown, issuer: string): string | null {
    if (typeof signedInAt !== 'number') return 'the token has no "auth_time"';
    const tolerance = this.parts.toleranceSecondsOf(issuer);
    const age = readMilliseconds(this.parts.clock) / 1_000 - signedInAt;
    // A sign-in in the future says nothing about its age. With a clock that returns an invalid date (NaN), no sign-in passes.
    if (age <= maxAgeSeconds + tolerance && age >= -tolerance) return null;
    return `the sign-in was ${Math.round(age)} s ago (tolerance ${tolerance} s)`;
  }
}

/** Whether the credential is of a program, for which no person has signed in: an API key, another credential that is no token, or a token of client credentials. */
function isProgram(user: AuthUser): boolean {
  // An Authenticator of the app may return users without a credential, whatever its type says.
  const kind = (user.credential as AuthUser['credential'] | undefined)?.kind ?? 'access-token';
  if (kind !== 'access-token' || user.provider === 'api-key') return true;
  const claims = claimsOf(user);
  if (claims['auth_time'] !== undefined) return false;
  // Own tokens of people belong to a session.
  return user.provider === 'own' ? user.sessionId === null : isOfClient(user, claims);
}

/**
 * Whether the token of another issuer is one of client credentials. RFC 9068 §2.2 has the client as `sub`, Auth0 adds `@clients` to it
 * and has `gty`, Entra ID has `idtyp`, and Keycloak has a user for each client.
 */
function isOfClient({ id, clientId }: AuthUser, claims: JsonObject): boolean {
  if (claims['idtyp'] === 'app' || claims['gty'] === 'client-credentials') return true;
  if (typeof clientId !== 'string') return false;
  const isNamedAfterClient = id === clientId || id === `${clientId}@clients`;
  return isNamedAfterClient || claims['preferred_username'] === `service-account-${clientId.toLowerCase()}`;
}

/** An app may create users by hand, without claims. */
function claimsOf({ claims }: AuthUser): JsonObject {
  const given = claims as JsonObject | undefined;
  return given ?? {};
}
