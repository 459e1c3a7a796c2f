import { describe, expect, it } from 'vitest';
import { RefusalError } from '../../../src/errors/auth-error.js';
import { checkClaims, checkValidity } from '../../../src/token/check-claims.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import type { TokenHeader } from '../../../src/token/verified-token.js';
import { acceptAnyAudience, type IssuerTerms } from '../../../src/token/trusted-issuer.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const now = 1_900_000_000;

const terms: IssuerTerms = {
  issuer: 'https://issuer.example',
  audience: ['api'],
  algorithms: new Set(['ES256'] as const),
  tokenType: null,
  clockToleranceSeconds: 5,
  maxTokenAgeSeconds: null,
  subjectClaim: 'sub',
};

const good = { iss: terms.issuer, aud: 'api', sub: 'alice', exp: now + 300, iat: now };

interface Case {
  readonly claims?: JsonObject;
  readonly header?: JsonObject;
  readonly terms?: Partial<IssuerTerms>;
  readonly at?: number;
}

function check(given: Case): () => unknown {
  const header = { alg: 'ES256', ...given.header } as TokenHeader;
  const claims = { ...good, ...given.claims };
  return () => checkClaims(header, claims, { ...terms, ...given.terms }, given.at ?? now);
}

describe('the expiry of a token', () => {
  it.each([
    ['a second before exp', -1, 0, 'accepted'],
    ['exactly at exp, without tolerance', 0, 0, 'INVALID_TOKEN expired'],
    ['a millisecond before exp', -0.001, 0, 'accepted'],
    ['exactly at exp, within the tolerance', 0, 5, 'accepted'],
    ['a millisecond before the tolerance ends', 4.999, 5, 'accepted'],
    ['exactly when the tolerance ends', 5, 5, 'INVALID_TOKEN expired'],
    ['with a tolerance of half a second, before it ends', 0.499, 0.5, 'accepted'],
    ['with a tolerance of half a second, when it ends', 0.5, 0.5, 'INVALID_TOKEN expired'],
    ['an hour later', 3_600, 5, 'INVALID_TOKEN expired'],
  ])('%s', async (_, past, clockToleranceSeconds, outcome) => {
    expect(await outcomeOf(check({ at: good.exp + past, terms: { clockToleranceSeconds } }))).toBe(outcome);
  });

  it.each([
    [now + 0.25, 5.249, 'accepted'],
    [now + 0.25, 5.25, 'INVALID_TOKEN expired'],
    [now - 0.75, 4.249, 'accepted'],
    [now - 0.75, 4.25, 'INVALID_TOKEN expired'],
  ])('respects the fraction of exp %d, %d s later', async (exp, later, outcome) => {
    expect(await outcomeOf(check({ claims: { exp }, at: now + later }))).toBe(outcome);
  });

  it.each([
    undefined,
    null,
    '1900000300',
    true,
    [],
    {},
    Number.NaN,
    Number.POSITIVE_INFINITY,
    8.64e12 + 1,
    -8.64e12 - 1,
  ])('refuses exp %j, which is not a date', async (exp) => {
    expect(await outcomeOf(check({ claims: { exp } }))).toBe('INVALID_TOKEN claim');
  });

  it('distinguishes a skewed clock from an old token', async () => {
    const skewed = await errorOf(check({ at: good.exp + 12.34 }));
    const old = await errorOf(check({ at: good.exp + 3_600 }));

    expect(skewed?.explanation).toBe(
      'It expired 12.3 s ago (tolerance 5 s). Clock skew of 12.3 s? Set both clocks by NTP; where one cannot be set, clockToleranceSeconds covers it',
    );
    expect(old?.explanation).toBe('It expired 3600 s ago (tolerance 5 s). The client has to get a new one');
  });
});

describe('the start of a token', () => {
  it.each([
    [{ nbf: now + 5 }, 'accepted'],
    [{ nbf: now + 5.001 }, 'INVALID_TOKEN not_yet_valid'],
    [{ iat: now + 5 }, 'accepted'],
    [{ iat: now + 5.001 }, 'INVALID_TOKEN not_yet_valid'],
    [{ nbf: now - 100, iat: now + 60 }, 'INVALID_TOKEN not_yet_valid'],
    [{ nbf: now + 60, iat: now - 100 }, 'INVALID_TOKEN not_yet_valid'],
    [{ nbf: 0, iat: 0 }, 'accepted'],
    [{ iat: undefined }, 'accepted'],
    [{ nbf: null }, 'INVALID_TOKEN claim'],
    [{ nbf: '0' }, 'INVALID_TOKEN claim'],
    [{ iat: null }, 'INVALID_TOKEN claim'],
    [{ iat: Number.NEGATIVE_INFINITY }, 'INVALID_TOKEN claim'],
  ])('%j: %s', async (claims, outcome) => {
    expect(await outcomeOf(check({ claims }))).toBe(outcome);
  });

  it('is not reported for a token that has also expired', async () => {
    expect(await outcomeOf(check({ claims: { exp: now - 60, nbf: now + 60 } }))).toBe('INVALID_TOKEN expired');
  });
});

describe('the age of a token', () => {
  it.each([
    [{ iat: now - 60 }, 60, 'accepted'],
    [{ iat: now - 64.9 }, 60, 'accepted'],
    [{ iat: now - 65 }, 60, 'INVALID_TOKEN expired'],
    [{ iat: now - 3_600 }, 60, 'INVALID_TOKEN expired'],
    [{ iat: undefined }, 60, 'INVALID_TOKEN claim'],
    [{ iat: undefined }, null, 'accepted'],
    [{ iat: now - 3_600 }, null, 'accepted'],
  ])('%j with a limit of %j s: %s', async (claims, maxTokenAgeSeconds, outcome) => {
    expect(await outcomeOf(check({ claims, terms: { maxTokenAgeSeconds } }))).toBe(outcome);
  });
});

describe('a clock that returns no date', () => {
  it('causes every token to be refused', async () => {
    expect(await outcomeOf(check({ at: Number.NaN }))).toBe('INVALID_TOKEN expired');
    expect(
      await outcomeOf(() => {
        checkValidity({ expiresAt: good.exp, startsAt: null, tooOldAt: null }, terms, Number.NaN);
      }),
    ).toBe('INVALID_TOKEN expired');
  });
});

describe('the audience', () => {
  it.each([
    ['api', ['api'], 'accepted'],
    [['api'], ['api'], 'accepted'],
    [['other', 'api'], ['api'], 'accepted'],
    ['b', ['a', 'b'], 'accepted'],
    [['b', 'c'], ['a', 'b'], 'accepted'],
    ['other', ['api'], 'INVALID_TOKEN audience'],
    ['API', ['api'], 'INVALID_TOKEN audience'],
    ['api/', ['api'], 'INVALID_TOKEN audience'],
    ['', ['api'], 'INVALID_TOKEN audience'],
    [[], ['api'], 'INVALID_TOKEN audience'],
    [undefined, ['api'], 'INVALID_TOKEN audience'],
    [null, ['api'], 'INVALID_TOKEN audience'],
    [{ 0: 'api', length: 1 }, ['api'], 'INVALID_TOKEN audience'],
    [['api', 1], ['api'], 'INVALID_TOKEN audience'],
    [[['api']], ['api'], 'INVALID_TOKEN audience'],
    [undefined, acceptAnyAudience, 'accepted'],
    ['whatever', acceptAnyAudience, 'accepted'],
    [42, acceptAnyAudience, 'accepted'],
  ] as const)('%j when %s is required: %s', async (aud, audience, outcome) => {
    expect(await outcomeOf(check({ claims: { aud }, terms: { audience } }))).toBe(outcome);
  });

  it('is reported with the expected and the received value', async () => {
    const error = await errorOf(check({ claims: { aud: 'x"\n' }, terms: { audience: ['a', 'b'] } }));

    expect(error?.explanation).toContain('Expected audience "a" or "b", the token says "x\\"\\u000a"');
  });
});

describe('the explanation of a wrong audience', () => {
  const explanationFor = async (claims: JsonObject, more: Partial<IssuerTerms> = {}): Promise<string> =>
    (await errorOf(check({ claims, terms: more })))?.explanation ?? '';

  it.each<[string, JsonObject]>([
    ['a nonce', { aud: 'spa', nonce: 'n-0S6_WzA2Mj' }],
    ['the hash of an access token', { aud: ['spa'], at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' }],
    ['the client as its audience', { aud: 'spa', azp: 'spa' }],
    ['the client in a list as its audience', { aud: ['spa'], azp: 'spa' }],
    ['the client under its other name', { aud: 'spa', client_id: 'spa' }],
    ["Keycloak's type of ID tokens", { aud: 'spa', typ: 'ID' }],
  ])('recognizes an ID token by %s, and never advises to accept its audience', async (_, claims) => {
    const explanation = await explanationFor(claims);

    expect(explanation).toContain('It seems to be an ID token');
    expect(explanation).toContain('send its access token');
    expect(explanation).toContain('Do not add the id of a client to the option audience');
  });

  it('takes an access token for another API for no ID token', async () => {
    for (const claims of [
      { aud: 'other-api' },
      { aud: ['other', 'spa'], azp: 'spa' },
      { aud: undefined, azp: 'spa' },
    ]) {
      const explanation = await explanationFor(claims);

      expect(explanation).not.toContain('ID token');
      expect(explanation).toContain('Let the client name this API');
      expect(explanation).toContain('never contains the id of a client');
    }
  });

  it('ends with what the preset knows', async () => {
    const explain: IssuerTerms['explain'] = (reason, claims) => `${reason} of ${String(claims['aud'])}: known`;

    expect(await explanationFor({ aud: 'x' }, { explain })).toMatch(/client\. audience of x: known$/);
    expect(await explanationFor({ aud: 'x' }, { explain: () => undefined })).toMatch(/client$/);
  });
});

describe('the subject', () => {
  it.each([undefined, '', null, 0, 1, true, [], ['alice'], {}])('%j is missing', async (sub) => {
    expect(await outcomeOf(check({ claims: { sub } }))).toBe('INVALID_TOKEN claim');
  });

  it('is read from the claim that the issuer uses', async () => {
    const userId = { subjectClaim: 'user_id' };

    expect(await outcomeOf(check({ terms: userId }))).toBe('INVALID_TOKEN claim');
    expect(await outcomeOf(check({ claims: { sub: undefined, user_id: 'u1' }, terms: userId }))).toBe('accepted');
  });
});

describe('the type', () => {
  it.each([
    ['at+jwt', 'accepted'],
    ['application/AT+jwt', 'accepted'],
    ['JWT', 'INVALID_TOKEN type'],
    [undefined, 'INVALID_TOKEN type'],
    ['', 'INVALID_TOKEN type'],
  ])('%j when at+jwt is required: %s', async (typ, outcome) => {
    const header = typ === undefined ? {} : { typ };

    expect(await outcomeOf(check({ header, terms: { tokenType: 'at+jwt' } }))).toBe(outcome);
  });
});

describe('a check of the issuer', () => {
  it.each(['claim', 'type', 'audience'] as const)('refuses with its reason %s and its sentence', async (reason) => {
    const findFault = (): RefusalError => RefusalError.token(reason, 'It is odd');
    const error = await errorOf(check({ terms: { findFault } }));

    expect([error?.code, error?.reason, error?.explanation]).toEqual(['INVALID_TOKEN', reason, 'It is odd']);
  });

  it('receives the claims and the header', async () => {
    const seen: unknown[] = [];
    const findFault = (...parts: readonly unknown[]): undefined => void seen.push(...parts);
    await outcomeOf(check({ claims: { plan: 'gold' }, header: { cat: 'x' }, terms: { findFault } }));

    expect(seen).toMatchObject([{ sub: 'alice', plan: 'gold' }, { cat: 'x' }]);
  });

  it('runs on claims that have passed every other check', async () => {
    const never = (): RefusalError => {
      throw new Error('It should not have been asked');
    };

    expect(await outcomeOf(check({ claims: { exp: 0 }, terms: { findFault: never } }))).toBe('INVALID_TOKEN expired');
    expect(await outcomeOf(check({ terms: { findFault: () => undefined } }))).toBe('accepted');
  });
});
