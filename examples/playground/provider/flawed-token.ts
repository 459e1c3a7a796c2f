import { randomUUID } from 'node:crypto';
import { apiAudience } from './api-audience.js';
import type { DemoProvider } from './demo-provider.js';
import { claimsOf, type Person } from './people.js';
import { accessTokenSeconds, apiScopes, clientId } from './provider-configuration.js';
import { createSigningKey, type SigningKey, signToken } from './signing-key.js';

const flaws = ['expired', 'other-audience', 'stranger', 'unknown-key', 'id-token'] as const;

/** The flaws of tokens. Each token has one; everything else in it is as the provider issues it. */
export type Flaw = (typeof flaws)[number];

export function isFlaw(text: string): text is Flaw {
  return flaws.some((flaw) => flaw === text);
}

export function createFlawedToken(flaw: Flaw, { issuer, signingKey }: DemoProvider, person: Person): string {
  const claims = { ...validClaims(issuer, person), ...flawInClaims(flaw) };
  return signToken(flawInKey(flaw, signingKey), flaw === 'id-token' ? 'JWT' : 'at+jwt', claims);
}

function validClaims(issuer: string, person: Person): Record<string, unknown> {
  const now = secondsNow();
  return {
    jti: randomUUID(),
    iss: issuer,
    sub: person.id,
    aud: apiAudience,
    client_id: clientId,
    scope: apiScopes.join(' '),
    iat: now,
    exp: now + accessTokenSeconds,
    ...claimsOf(person),
  };
}

function flawInClaims(flaw: Flaw): Record<string, unknown> {
  switch (flaw) {
    case 'expired':
      return { iat: secondsNow() - accessTokenSeconds - 60, exp: secondsNow() - 60 };
    case 'other-audience':
      return { aud: 'https://billing.playground.example' };
    case 'id-token':
      return { aud: clientId };
    case 'stranger':
    case 'unknown-key':
      return {};
  }
}

function flawInKey(flaw: Flaw, real: SigningKey): SigningKey {
  switch (flaw) {
    case 'stranger':
      // An attacker knows the public id of the real key, but can only sign with another key.
      return createSigningKey(real.id);
    case 'unknown-key':
      return createSigningKey();
    case 'expired':
    case 'other-audience':
    case 'id-token':
      return real;
  }
}

function secondsNow(): number {
  return Math.floor(Date.now() / 1000);
}
