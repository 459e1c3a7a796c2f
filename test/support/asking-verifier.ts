/** A verifier of one issuer with introspection, whose responses the test controls. */
import { publicKeyAlgorithms } from '../../src/keys/algorithm.js';
import { IndexedKeySet } from '../../src/keys/key-set.js';
import { readKeys } from '../../src/keys/jwks-loader.js';
import { StaticKeySource } from '../../src/keys/key-source.js';
import { createClaimsCheck } from '../../src/token/claims-class.js';
import { IssuerRegistry } from '../../src/token/issuer-registry.js';
import type { JsonObject } from '../../src/token/json-object.js';
import type { TokenStatusCheck } from '../../src/token/token-status-check.js';
import type { TokenStatusSource, Verification, TrustedIssuer } from '../../src/token/trusted-issuer.js';
import { TokenVerifier } from '../../src/token/token-verifier.js';
import { VerifiedTokenCache } from '../../src/token/verified-token-cache.js';
import { ManualClock } from './manual-clock.js';
import { issuerTerms, localIssuer } from './issuer-terms.js';
import { startIssuer } from './started-issuer.js';

/** An issuer that gives the same response for every token. */
export class AnsweringStatusSource implements TokenStatusSource {
  asked = 0;
  answer: JsonObject | Error | null = null;

  constructor(readonly acceptsOpaqueTokens = true) {}

  async ask(): Promise<JsonObject | null> {
    this.asked += 1;
    if (this.answer instanceof Error) throw this.answer;
    return this.answer;
  }
}

interface Plan {
  readonly verification?: Verification;
  readonly statusSource?: AnsweringStatusSource | null;
  /** The class with which the app validates the claims. */
  readonly claims?: unknown;
  readonly onlineVerdictSeconds?: number;
  readonly statusCheck?: TokenStatusCheck;
  /** A second name of the issuer. */
  readonly alias?: string;
}

export async function setUpAsking({
  verification = 'online',
  statusSource = new AnsweringStatusSource(),
  claims,
  alias,
  ...more
}: Plan = {}) {
  const clock = new ManualClock();
  const issuer = await startIssuer({ clock });
  const terms = issuerTerms({ issuer: issuer.url, audience: ['api'], algorithms: new Set(publicKeyAlgorithms) });
  const keys = new StaticKeySource(new IndexedKeySet(readKeys(issuer.jwks.keys)));
  const trusted: TrustedIssuer = { ...localIssuer(terms, keys), verification, statusSource };
  const aliases = alias === undefined ? [] : [{ ...trusted, terms: { ...terms, issuer: alias } }];
  const verifier = new TokenVerifier({
    issuers: new IssuerRegistry([trusted, ...aliases]),
    clock,
    cache: new VerifiedTokenCache(100, clock),
    claimsCheck: claims === undefined ? null : createClaimsCheck('claims', claims),
    ...more,
  });
  const now = clock.now().getTime() / 1_000;
  const token = (members: object = {}, options = {}): Promise<string> =>
    issuer.token({ aud: 'api', sub: 'alice', ...members }, options);
  const said = { iss: issuer.url, aud: 'api', sub: 'alice', exp: now + 300 };
  return { clock, issuer, statusSource: statusSource ?? new AnsweringStatusSource(), verifier, token, now, said };
}
