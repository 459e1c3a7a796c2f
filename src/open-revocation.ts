import type { Clock, Timer } from './clock/clock.js';
import { ConfigurationError } from './errors/auth-error.js';
import { type AppModules, findAppProvider } from './find-app-provider.js';
import type { IdentityProvider } from './issuers/identity-provider.js';
import { claimMapsOf } from './open-providers.js';
import { type IdentifyToken, RevocationCheck } from './revocation/revocation-check.js';
import { isRevocationStore, RevocationFeed } from './revocation/revocation-feed.js';
import type { RevocationTerms } from './revocation/revocation-options.js';
import { RevocationStore } from './revocation/revocation-store.js';
import { RevocationService } from './revocation/revocation.service.js';
import type { ReportEvent } from './telemetry/auth-event.js';
import type { TokenStatusCheck } from './token/token-status-check.js';
import { readTextClaim } from './user/claim-map.js';

export interface RevocationContext {
  readonly providers: readonly IdentityProvider[];
  /** `null` where revocation is off. */
  readonly terms: RevocationTerms | null;
  readonly clock: Clock;
  /** For the refresh alone: one timer rings once. */
  readonly timer: Timer;
  readonly findStore: () => RevocationStore | null;
  readonly report: ReportEvent;
}

/** What the module needs for revocation, under this class as its token. */
export class Revocation {
  constructor(
    /** There as well where revocation is off: it then names the option. */
    readonly service: RevocationService,
    /** For the verifier; `null` where revocation is off. */
    readonly check: TokenStatusCheck | null,
    /** Calls the listener after every change by which the token of an open connection may have become revoked. */
    readonly onChange: (listener: () => void) => void,
  ) {}
}

/** Puts revocation together on the app's context. The store is looked for when the app starts. */
export function createRevocation(context: RevocationContext): Revocation {
  const { providers, terms, clock } = context;
  const issuers = providers.flatMap((provider) => provider.issuers.map((issuer) => issuer.terms));
  const parts = {
    issuers: issuers.map(({ issuer }) => issuer),
    toleranceSeconds: Math.max(0, ...issuers.map(({ clockToleranceSeconds }) => clockToleranceSeconds)),
    clock,
  };
  if (terms === null) return new Revocation(new RevocationService({ ...parts, on: null }), null, () => undefined);
  const feed = new RevocationFeed({ ...context, terms });
  return new Revocation(
    new RevocationService({ ...parts, on: { feed, terms } }),
    new RevocationCheck({ ...context, feed, terms, identify: identifyBy(providers) }),
    (listener) => {
      feed.onChange(listener);
    },
  );
}

/** The ids of a token by its issuer's claim map: what a handler finds in `AuthUser` is what it revokes. */
function identifyBy(providers: readonly IdentityProvider[]): IdentifyToken {
  const claimMaps = claimMapsOf(providers);
  return ({ issuer, claims }) => {
    const mapped = claimMaps.get(issuer)?.map(claims);
    const issuedAt = claims['iat'];
    return {
      id: readTextClaim(claims, 'jti'),
      userId: mapped === undefined || mapped.id === '' ? null : mapped.id,
      sessionId: mapped?.sessionId ?? null,
      clientId: mapped?.clientId ?? null,
      issuedAt: typeof issuedAt === 'number' ? issuedAt : null,
    };
  };
}

/**
 * The one `RevocationStore` that any module of the app provides; `null` where there is none, or a factory gave `null`.
 *
 * @throws {ConfigurationError} when there are two, or what is provided is not a store.
 */
export function findRevocationStore(modules: AppModules): RevocationStore | null {
  const store = findAppProvider(modules, RevocationStore, 'AuthModule.forRoot({ revocation })');
  if (store === null || isRevocationStore(store)) return store;
  throw new ConfigurationError(
    'AuthModule.forRoot({ revocation })',
    'what is provided as RevocationStore has not the methods of one',
    'Provide a class that extends RevocationStore',
  );
}
