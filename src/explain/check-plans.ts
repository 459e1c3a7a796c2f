import { insideOptionOf, issuerOptionOf } from '../issuers/issuer-options.js';
import { logText } from '../telemetry/log-text.js';
import { findIdTokenSign, skewHintSeconds } from '../token/check-claims.js';
import { differsByServerOnly } from '../token/issuer-registry.js';
import type { JsonObject } from '../token/json-object.js';
import { acceptAnyAudience, type IssuerTerms } from '../token/trusted-issuer.js';
import type { TokenHeader } from '../token/verified-token.js';
import type { CheckPlan } from './explanation.js';

/** Presets that take the address of the keys. Others know it themselves. */
const presetsWithKeyAddress: readonly string[] = ['oidc', 'jwtIssuer'];

/** The option of a preset, as it is written in code. */
function optionOf(preset: string | null, name: string): string {
  return preset === null ? name : `${preset}({ ${name} })`;
}

export function formPlan(length: number): CheckPlan {
  return {
    id: 'form',
    title: 'Form',
    found: `${String(length)} characters`,
    expected: 'a signed JWT: three parts in base64url',
    fix: 'Let the client send the access token that the issuer has given it, whole and without quotes',
    reason: 'malformed',
  };
}

/** @param preset the preset of the app where it has exactly one, or that of the issuer; otherwise `null` */
export function issuerPlan(iss: unknown, names: readonly string[], preset: string | null): CheckPlan {
  const option = preset === null ? null : issuerOptionOf(preset, names, iss);
  return {
    id: 'issuer',
    title: 'Issuer',
    found: iss === undefined ? 'no "iss"' : logText(iss),
    expected: names.map(logText).join(' or '),
    option: option ?? 'AuthModule.forRoot({ issuers })',
    fix: fixOfIssuer(iss, names, preset),
    reason: 'issuer',
  };
}

/** Of two names that differ in the server alone, the trusted one is probably an address inside of a network. */
function fixOfIssuer(iss: unknown, names: readonly string[], preset: string | null): string {
  const inside = preset === null ? null : insideOptionOf(preset);
  if (inside !== null && names.some((name) => differsByServerOnly(name, iss))) {
    return (
      'If clients reach this issuer by the address in the token, write that one, and the address by which the app reaches it into ' +
      `${inside}. Otherwise the token is from another environment`
    );
  }
  return 'If you trust this issuer, write its name exactly as in the token, to the slash. Otherwise the token is from another environment';
}

export function algorithmPlan(header: TokenHeader, { algorithms }: IssuerTerms, preset: string | null): CheckPlan {
  return {
    id: 'algorithm',
    title: 'Signature algorithm',
    found: logText(header.alg),
    expected: [...algorithms].join(', '),
    option: optionOf(preset, 'algorithms'),
    fix: 'Let the issuer sign with one of these, or name the algorithm of its keys. Never accept one that its keys do not have',
    reason: 'algorithm',
  };
}

/** @param keysAt where the app reads the keys; none where it has them itself, or their address comes from the metadata */
export function keyPlan({ kid }: TokenHeader, preset: string | null, keysAt: readonly string[]): CheckPlan {
  return {
    id: 'key',
    title: 'Key',
    found: kid === undefined ? 'no kid' : `kid ${logText(kid)}`,
    expected: `a key that the issuer publishes${readAt(keysAt)}`,
    option: keyOption(preset),
    fix: 'Sign in again. If it is the same then, the keys are those of another environment',
    reason: 'key',
  };
}

export function signaturePlan({ kid }: TokenHeader, preset: string | null, keysAt: readonly string[]): CheckPlan {
  return {
    id: 'signature',
    title: 'Signature',
    found: null,
    expected: `${kid === undefined ? 'made by the key of the issuer' : `made by the key ${logText(kid)}`}${readAt(keysAt)}`,
    option: keyOption(preset),
    fix:
      'Send the token unchanged. If it is unchanged, the keys are those of another installation: compare their address with jwks_uri of ' +
      "the issuer's metadata",
    reason: 'signature',
  };
}

function readAt(addresses: readonly string[]): string {
  return addresses.length === 0 ? '' : `; the app reads keys at ${addresses.join(', ')}`;
}

function keyOption(preset: string | null): string | null {
  return preset !== null && presetsWithKeyAddress.includes(preset) ? optionOf(preset, 'jwksUri') : null;
}

export function typePlan({ typ }: TokenHeader, { tokenType }: IssuerTerms, preset: string | null): CheckPlan {
  return {
    id: 'type',
    title: 'Type',
    found: typ === undefined ? 'no "typ"' : logText(typ),
    expected: tokenType === null ? 'any' : logText(tokenType),
    option: optionOf(preset, 'tokenType'),
    fix: 'Send the access token and not the ID token. If the issuer writes no such type, leave tokenType out',
    reason: 'type',
  };
}

/** @param now in seconds since 1970 */
export function timePlan(claims: JsonObject, terms: IssuerTerms, now: number, preset: string | null): CheckPlan {
  const { exp } = claims;
  return {
    id: 'time',
    title: 'Time',
    found: ['iat', 'nbf', 'exp'].flatMap((name) => describeTime(name, claims[name])).join(', ') || 'no times',
    expected: `valid at ${toIso(now)} (tolerance ${String(terms.clockToleranceSeconds)} s)`,
    // A token that never expires is accepted by no option.
    option: typeof exp === 'number' ? timeOption(claims, exp, terms, now, preset) : null,
    fix:
      'Let the client get a new token. If it is new, set the clocks of this machine and of the issuer by NTP; where one cannot be set, ' +
      'clockToleranceSeconds covers the difference',
    reason: 'expired',
  };
}

/** An expired token has a wrong option only where it is off by so little that the clocks may differ. */
function timeOption(
  { nbf, iat }: JsonObject,
  exp: number,
  { clockToleranceSeconds, maxTokenAgeSeconds }: IssuerTerms,
  now: number,
  preset: string | null,
): string | null {
  const starts = Math.max(typeof nbf === 'number' ? nbf : 0, typeof iat === 'number' ? iat : 0);
  const off = Math.max(now - exp, starts - now);
  if (maxTokenAgeSeconds !== null && off < clockToleranceSeconds) return optionOf(preset, 'maxTokenAgeSeconds');
  return off < skewHintSeconds ? optionOf(preset, 'clockToleranceSeconds') : null;
}

function describeTime(name: string, value: unknown): string[] {
  if (value === undefined) return [];
  return [`${name} ${typeof value === 'number' ? toIso(value) : logText(value)}`];
}

function toIso(seconds: number): string {
  const date = new Date(seconds * 1_000);
  return Number.isNaN(date.getTime()) ? 'an unknown time' : date.toISOString();
}

export function audiencePlan(claims: JsonObject, { audience }: IssuerTerms, preset: string | null): CheckPlan {
  const { aud } = claims;
  const expected = typeof audience === 'symbol' ? [] : audience;
  return {
    id: 'audience',
    title: 'Audience',
    found: aud === undefined ? 'no "aud"' : logText(aud),
    expected: audience === acceptAnyAudience ? 'any' : expected.map(logText).join(' or '),
    option: optionOf(preset, 'audience'),
    fix:
      findIdTokenSign(claims) !== null
        ? 'It is probably an ID token: let the client send its access token, and name this API when it asks for one. Leave audience as it is'
        : 'Let the client name this API when it asks for a token. Never put the id of a client into audience',
    reason: 'audience',
  };
}

export function subjectPlan(claims: JsonObject, { subjectClaim }: IssuerTerms, preset: string | null): CheckPlan {
  return {
    id: 'subject',
    title: 'User id',
    // The id itself is a fact about a person.
    found: claims[subjectClaim] === undefined ? `no "${subjectClaim}"` : `"${subjectClaim}" is there`,
    expected: `a text in "${subjectClaim}"`,
    option: optionOf(preset, 'subjectClaim'),
    fix: 'Let the issuer write the id of the user, or name the claim that has it',
    reason: 'claim',
  };
}

export function presetPlan(preset: string | null): CheckPlan {
  return {
    id: 'preset',
    title: preset === null ? 'Rules of the issuer' : `Rules of ${preset}`,
    option: preset === null ? null : `${preset}({ … })`,
    fix: 'The explanation names the claim, and the option that accepts such tokens where there is one',
    reason: 'claim',
  };
}

export const statusPlan: CheckPlan = {
  id: 'status',
  title: 'Status',
  expected: 'accepted by the claims class, by introspection and by the revocations, as far as the app uses them',
  option: 'AuthModule.forRoot({ claims, revocation })',
  fix: 'Sign in again. If a claim is refused, correct the class that the option claims names',
  reason: 'revoked',
};

/** What only the app knows, where a token is explained without it. */
export const appPlan: CheckPlan = {
  id: 'app',
  title: 'Claims class and revocations of the app',
  option: 'AuthModule.forRoot({ claims, revocation })',
  fix: '',
  reason: 'revoked',
};

export function bindingPlan(claims: JsonObject): CheckPlan {
  return {
    id: 'binding',
    title: 'Bound to a key',
    found: claims['cnf'] === undefined ? 'bearer token' : 'bound token ("cnf")',
    option: 'AuthModule.forRoot({ dpop })',
    fix: "Write dpop: 'accept', and let the client send the token with its proof; or ask the issuer for bearer tokens",
    reason: 'proof',
  };
}

/** @param scopes those that the route requires, as the caller of `explain` has stated them */
export function scopePlan(scopes: readonly string[], held: readonly string[]): CheckPlan {
  return {
    id: 'scope',
    title: 'Scopes',
    found: held.length === 0 ? 'no scopes' : held.map(logText).join(' '),
    expected: scopes.map(logText).join(' '),
    option: '@RequireScopes()',
    fix: 'Let the client ask for these scopes, and the issuer grant them to this user and client',
    reason: 'claim',
  };
}

/** What the route requires is known at the route only. */
export const routePlan: CheckPlan = {
  id: 'route',
  title: 'Requirements of the route',
  fix: '',
  reason: 'claim',
};
