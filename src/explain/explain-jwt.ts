import { authoritiesInToken, decideAuthorities } from '../access/authority-evaluator.js';
import type { ScopeHierarchy } from '../access/scope-hierarchy.js';
import type { Clock } from '../clock/clock.js';
import { readMilliseconds } from '../clock/clock.js';
import { isAuthError } from '../errors/auth-error.js';
import type { KeyMatch, VerificationKey } from '../keys/key-set.js';
import { checkAudience, checkSubject, checkType, checkValidity, readValidity } from '../token/check-claims.js';
import { signatureFits } from '../token/check-signature.js';
import type { IssuerRegistry } from '../token/issuer-registry.js';
import { hasOtherKey, keyRefusal, readAlgorithm, signatureRefusal } from '../token/jwt-verifier.js';
import { checkKind, hasThreeParts, type ParsedToken, parseToken } from '../token/parse-token.js';
import type { TrustedIssuer } from '../token/trusted-issuer.js';
import type { VerifiedToken } from '../token/verified-token.js';
import type { AuthUser } from '../user/auth-user.js';
import type { Algorithm } from '../keys/algorithm.js';
import {
  algorithmPlan,
  appPlan,
  audiencePlan,
  bindingPlan,
  formPlan,
  issuerPlan,
  keyPlan,
  presetPlan,
  routePlan,
  scopePlan,
  signaturePlan,
  statusPlan,
  subjectPlan,
  timePlan,
  typePlan,
} from './check-plans.js';
import { CheckList, type Explanation } from './explanation.js';

/** What the verifier of the app has, of which each part is called as the verifier does. */
export interface ExplainedParts {
  readonly issuers: IssuerRegistry;
  readonly clock: Clock;
  /** The verifier itself, which says whether the token passes in the end. */
  readonly verify: (text: string) => Promise<VerifiedToken>;
  /** The name of the preset that describes an issuer; `null` where it is not known. */
  readonly presetOf: (issuer: string) => string | null;
  /** Where the app reads the keys of an issuer; none where it has them itself, or their address comes from the metadata. */
  readonly keyAddressesOf: (issuer: string) => readonly string[];
  /**
   * Refuses a token that came without the proof that it needs; `null` without an app, whose options are then not known.
   * Returns the thumbprint of the client certificate that the request has to come with; `null` for none.
   */
  readonly checkBinding: ((text: string, token: VerifiedToken) => string | null) | null;
  /** Whether the app accepts bound tokens with their proof. */
  readonly acceptsProofs: boolean;
  /** The user of a token, as handlers of the app have it. */
  readonly userOf: (text: string, token: VerifiedToken) => AuthUser;
  /** The scopes that include others. */
  readonly scopes: ScopeHierarchy;
}

/** What to explain besides the token itself. */
export interface ExplainOptions {
  /**
   * Whether the result has the claims of a JWT or a proof. They may have data about a person. @defaultValue false
   */
  readonly claims?: boolean;
  /** The scopes that the route requires, as `@RequireScopes()` lists them. @defaultValue none: what a route requires is not checked */
  readonly scopes?: readonly string[];
}

const earlierFailed = 'An earlier check has not passed';
const appUnknown = 'The options of the app are not known: --app reads them';

/** Makes the checks of an access token in the order of `TokenVerifier`, and goes on after one that fails. */
export async function explainToken(text: string, parts: ExplainedParts, options: ExplainOptions): Promise<Explanation> {
  const list = new CheckList();
  const opaque = parts.issuers.opaqueIssuer;
  const isOpaque = opaque !== undefined && !hasThreeParts(text);
  const parsed = await list.make(formPlan(text.length), () => {
    checkKind(text);
    return isOpaque ? null : parseToken(text);
  });
  if (parsed === null) {
    const token = await explainStatusOf(text, parts, list);
    await explainRoute(text, token, parts, options, list);
    return list.toExplanation('opaque-token');
  }
  if (parsed !== undefined) {
    const token = await new JwtChecks(text, parsed, parts, list).make();
    await explainRoute(text, token, parts, options, list);
  }
  return list.toExplanation('jwt', options.claims === true ? (parsed?.claims ?? null) : null);
}

/** @param token `undefined` where it has not passed, so that no route is reached */
async function explainRoute(
  text: string,
  token: VerifiedToken | undefined,
  { userOf, scopes: hierarchy }: ExplainedParts,
  { scopes = [] }: ExplainOptions,
  list: CheckList,
): Promise<void> {
  if (token !== undefined && scopes.length > 0) {
    const user = userOf(text, token);
    const requirement = { kind: 'scopes', match: 'all', values: scopes } as const;
    const held = authoritiesInToken(user, 'scopes');
    await list.make(scopePlan(scopes, held.values), () => {
      const decision = decideAuthorities(requirement, held, [requirement], hierarchy);
      if (decision.kind === 'refused') throw decision.refusal;
    });
  }
  const rest = scopes.length > 0 ? 'roles, policies, the resource' : 'scopes, roles, policies, the resource';
  list.leave(routePlan, `What a route requires (${rest}) is checked at the route`);
}

/** The checks of a JWT, of which some depend on the results of others. */
class JwtChecks {
  private readonly now: number;

  constructor(
    private readonly text: string,
    private readonly parsed: ParsedToken,
    private readonly parts: ExplainedParts,
    private readonly list: CheckList,
  ) {
    this.now = readMilliseconds(parts.clock);
  }

  /** @returns the token, where it has passed */
  async make(): Promise<VerifiedToken | undefined> {
    const { list, parts, parsed } = this;
    const all = parts.issuers.all().map(({ terms }) => terms.issuer);
    const { iss } = parsed.claims;
    const preset = this.presetAmong(all, iss);
    const issuer = await list.make(issuerPlan(iss, all, preset), () => parts.issuers.get(iss));
    if (issuer === undefined) return undefined;
    await this.explainSignature(issuer, preset);
    await this.explainClaims(issuer, preset);
    return await this.explainStatus();
  }

  /** The preset of the issuer; of an unknown one that of the only issuer, whose option is then probably wrong. */
  private presetAmong(names: readonly string[], iss: unknown): string | null {
    if (typeof iss === 'string' && names.includes(iss)) return this.parts.presetOf(iss);
    const presets = new Set(names.map(this.parts.presetOf));
    return presets.size === 1 ? ([...presets][0] ?? null) : null;
  }

  private async explainSignature(issuer: TrustedIssuer, preset: string | null): Promise<void> {
    const { list, parsed, parts } = this;
    const { header } = parsed;
    const keysAt = parts.keyAddressesOf(issuer.terms.issuer);
    const [ofKey, ofSignature] = [keyPlan(header, preset, keysAt), signaturePlan(header, preset, keysAt)];
    if (issuer.verification === 'online') {
      const cause = "The issuer is asked about each token (verify: 'online'), and checks the signature itself";
      for (const plan of [algorithmPlan(header, issuer.terms, preset), ofKey, ofSignature]) list.leave(plan, cause);
      return;
    }
    const algorithm = await list.make(algorithmPlan(header, issuer.terms, preset), () =>
      readAlgorithm(parsed, issuer.terms),
    );
    const key = algorithm && (await list.make(ofKey, () => this.findKey(issuer, algorithm)));
    if (algorithm === undefined) list.leave(ofKey, earlierFailed);
    if (algorithm === undefined || key === undefined) list.leave(ofSignature, 'There is no key to check it with');
    else await list.make(ofSignature, () => this.checkSignature(issuer, algorithm, key));
  }

  /** The keys in memory first, then those that the issuer publishes now, as the verifier does. */
  private async findKey({ keys }: TrustedIssuer, algorithm: Algorithm): Promise<VerificationKey> {
    const kid = this.parsed.header.kid ?? null;
    const known: KeyMatch = keys.current(this.now)?.find(kid, algorithm) ?? { kind: 'unknown' };
    const isKnown = known.kind !== 'unknown';
    const newer = isKnown ? null : await keys.obtain((set) => set.find(kid, algorithm).kind !== 'unknown');
    const match = newer === null ? known : newer.find(kid, algorithm);
    if (match.kind !== 'found') throw keyRefusal(match, this.parsed);
    return match.key;
  }

  private async checkSignature({ terms, keys }: TrustedIssuer, algorithm: Algorithm, key: VerificationKey) {
    const { parsed } = this;
    if (signatureFits(parsed, algorithm, key)) return;
    const refusal = signatureRefusal(parsed, terms);
    // A key that was published since may verify a token that names none.
    if (parsed.header.kid !== undefined && key.kid !== null) throw refusal;
    const newer = await keys.obtain((set) => hasOtherKey(set, parsed, terms, key));
    const match = newer.find(parsed.header.kid ?? null, algorithm);
    if (match.kind !== 'found' || !signatureFits(parsed, algorithm, match.key)) throw refusal;
  }

  private async explainClaims({ terms }: TrustedIssuer, preset: string | null): Promise<void> {
    const { list } = this;
    const { header, claims } = this.parsed;
    const seconds = this.now / 1_000;
    await list.make(typePlan(header, terms, preset), () => {
      checkType(header, terms);
    });
    await list.make(timePlan(claims, terms, seconds, preset), () => {
      checkValidity(readValidity(claims, terms), terms, seconds);
    });
    await list.make(audiencePlan(claims, terms, preset), () => {
      checkAudience(header, claims, terms);
    });
    await list.make(subjectPlan(claims, terms, preset), () => {
      checkSubject(header, claims, terms);
    });
    const { findFault } = terms;
    if (findFault === undefined) return;
    await list.make(presetPlan(preset), () => {
      const refusal = findFault(claims, header);
      if (refusal !== undefined) throw refusal;
    });
  }

  /** The verifier has the last word: what the checks before have not shown, it shows here. */
  private async explainStatus(): Promise<VerifiedToken | undefined> {
    const { text, parts, list, parsed } = this;
    if (!list.isPassing) {
      list.leave(statusPlan, earlierFailed);
      list.leave(bindingPlan(parsed.claims), earlierFailed);
      return undefined;
    }
    return await explainStatusOf(text, parts, list);
  }
}

async function explainStatusOf(
  text: string,
  parts: ExplainedParts,
  list: CheckList,
): Promise<VerifiedToken | undefined> {
  const token = await list.make(statusPlan, () => parts.verify(text));
  if (token === undefined) return undefined;
  if (parts.checkBinding === null) list.leave(appPlan, appUnknown);
  await explainBinding(text, token, parts, list);
  return list.isPassing ? token : undefined;
}

async function explainBinding(text: string, token: VerifiedToken, parts: ExplainedParts, list: CheckList) {
  const { checkBinding, acceptsProofs } = parts;
  const plan = bindingPlan(token.claims);
  if (checkBinding === null) {
    list.leave(plan, appUnknown);
    return;
  }
  if (acceptsProofs && isBoundToKey(token)) {
    list.leave(plan, 'The proof comes with the request, in the header DPoP: explain it by itself');
    return;
  }
  const certificate = await attempt(() => checkBinding(text, token));
  if (typeof certificate === 'string') {
    list.leave(plan, 'The token is bound to a client certificate, which comes with the connection');
    return;
  }
  await list.make(plan, () => {
    if (certificate !== null) throw certificate;
  });
}

function isBoundToKey({ claims: { cnf } }: VerifiedToken): boolean {
  return typeof cnf === 'object' && cnf !== null && 'jkt' in cnf;
}

/** What a function returns, or the error that it throws. */
async function attempt<Value>(check: () => Value): Promise<Value | Error> {
  try {
    return await check();
  } catch (error) {
    if (isAuthError(error)) return error;
    throw error;
  }
}
