import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { IdentityProvider } from '../../../src/issuers/identity-provider.js';
import { jwtIssuer } from '../../../src/issuers/jwt-issuer.js';
import type { TokenVerifier } from '../../../src/token/token-verifier.js';
import type { VerifiedToken } from '../../../src/token/verified-token.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';
import { createHostileTools, type HostileTools, hostileNow } from '../../vectors/hostile-tokens.js';

const clock = { now: () => hostileNow };
let tools: HostileTools;
let verifier: TokenVerifier;

function trust(keys: readonly object[], issuer = tools.issuer.url): IdentityProvider {
  return jwtIssuer({ issuer, audience: 'api', jwks: { keys: keys as Readonly<Record<string, unknown>>[] } });
}

beforeAll(async () => {
  tools = await createHostileTools();
  ({ verifier } = openVerifier(trust(tools.issuer.jwks.keys), { clock }));
});

afterAll(() => tools.issuer.stop());

/** A validly signed token. The given members replace those of an acceptable token. */
function token(claims: object = {}, header: object = {}): string {
  return tools.sign(tools.header({ ...header }), tools.claims({ ...claims }));
}

describe('a bound token', () => {
  it.each([{ jkt: 'a thumbprint' }, { 'x5t#S256': 'another' }, null])(
    'passes for nobody by itself: %j',
    async (cnf) => {
      const text = token({ cnf });
      expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN proof');
      // Also when it is cached.
      expect((await verifier.inspect(text)).claims['cnf']).toEqual(cnf);
      expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN proof');
    },
  );
});

describe('a verified token', () => {
  it('has issuer, header, claims and expiry', async () => {
    const verified = await verifier.verify(token({ role: 'x' }));

    expect(verified).toEqual({
      issuer: tools.issuer.url,
      header: tools.header(),
      claims: tools.claims({ role: 'x' }),
      expiresAt: new Date((tools.now + 300) * 1_000),
    });
  });

  it('is deeply frozen', async () => {
    const verified = await verifier.verify(token({ deep: { list: [{ end: [] }] } }, { x: { y: [] } }));
    const parts = (value: unknown): object[] =>
      typeof value === 'object' && value !== null && !(value instanceof Date)
        ? [value, ...Object.values(value).flatMap(parts)]
        : [];

    expect(parts(verified).length).toBeGreaterThan(7);
    expect(parts(verified).filter((part) => !Object.isFrozen(part))).toEqual([]);
  });

  it('returns a new date at each read', async () => {
    const text = token();
    await verifier.verify(text);
    const first = await verifier.verify(text);
    first.expiresAt.setTime(0);
    const second = await verifier.verify(text);

    expect(second).toBe(first);
    expect(second.expiresAt).toEqual(new Date((tools.now + 300) * 1_000));
    expect(() => {
      (first as { expiresAt: Date }).expiresAt = new Date(0);
    }).toThrow(TypeError);
  });

  it('stays accepted when a reader has modified the date', async () => {
    const text = token();
    await verifier.verify(text);
    (await verifier.verify(text)).expiresAt.setTime(0);
    expect(verifier.findVerified(text)).toBeDefined();

    expect(await outcomeOf(verifier.verify(text))).toBe('accepted');
  });

  it('never contains the token itself', async () => {
    const text = token();
    const verified: VerifiedToken = await verifier.verify(text);

    expect(inspect(verified, { showHidden: true, depth: 10, getters: true })).not.toContain(text.split('.')[2]);
    expect(JSON.stringify(verified)).not.toContain(text.split('.')[2]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'then', 'toJSON', 'hasOwnProperty'])(
    'may have a claim named %s, which stays a claim',
    async (name) => {
      const raw = JSON.stringify(tools.claims()).replace(/\}$/, `,"${name}":{"polluted":true}}`);
      const { claims } = await verifier.verify(tools.sign(tools.header(), raw));

      expect(Object.hasOwn(claims, name)).toBe(true);
      expect(Object.getPrototypeOf(claims)).toBe(Object.prototype);
      expect(claims['polluted']).toBeUndefined();
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );
});

describe('the key of a token', () => {
  it.each([
    ['its kid names the one key', {}, 1, 'accepted'],
    ['it has no kid, and one key fits', { kid: undefined }, 1, 'accepted'],
    ['it has no kid, and two keys fit', { kid: undefined }, 2, 'INVALID_TOKEN key'],
    ['its kid names one of two', {}, 2, 'accepted'],
    ['its kid names none', { kid: 'other' }, 1, 'INVALID_TOKEN key'],
    ['its kid names none of two', { kid: 'other' }, 2, 'INVALID_TOKEN key'],
    ['its kid is empty', { kid: '' }, 1, 'INVALID_TOKEN key'],
    ['its kid is __proto__', { kid: '__proto__' }, 1, 'INVALID_TOKEN key'],
  ])('%s', async (_, header, count, outcome) => {
    const keys = [tools.issuer.publicKey, { ...tools.strangerJwk, kid: 'second' }].slice(0, count);
    const opened = openVerifier(trust(keys), { clock });

    expect(await outcomeOf(opened.verifier.verify(token({}, header)))).toBe(outcome);
  });

  it.each([
    ['a kid', 'accepted', {}],
    ['another kid', 'accepted', { kid: 'whatever' }],
    ['no kid', 'accepted', { kid: undefined }],
  ])('without an id fits a token with %s', async (_, outcome, header) => {
    const unnamed = { ...tools.issuer.publicKey, kid: undefined };
    const opened = openVerifier(trust([unnamed]), { clock });

    expect(await outcomeOf(opened.verifier.verify(token({}, header)))).toBe(outcome);
  });

  it('is not guessed when two have the id of the token', async () => {
    const twins = [tools.issuer.publicKey, { ...tools.strangerJwk, kid: tools.issuer.publicKey.kid }];
    const opened = openVerifier(trust(twins), { clock });

    expect(await outcomeOf(opened.verifier.verify(token()))).toBe('INVALID_TOKEN key');
  });

  it('belongs to its own issuer and to no other', async () => {
    const [mine, theirs] = [trust([tools.issuer.publicKey]), trust([tools.strangerJwk], 'https://other.example')];
    const opened = openVerifier([mine, theirs], { clock });
    const stolen = tools.sign(tools.header(), tools.claims({ iss: 'https://other.example' }));
    const forged = tools.forge(tools.header(), tools.claims());

    expect(await outcomeOf(opened.verifier.verify(stolen))).toBe('INVALID_TOKEN signature');
    expect(await outcomeOf(opened.verifier.verify(forged))).toBe('INVALID_TOKEN signature');
    expect(await outcomeOf(opened.verifier.verify(token()))).toBe('accepted');
  });
});

describe('a value that is not a text', () => {
  const things: readonly unknown[] = [undefined, null, 1, true, {}, [], ['a.b.c'], Buffer.from('a.b.c')];

  it.each(things.map((thing) => [thing] as const))('%j is malformed', async (given) => {
    // Messages and handshakes may contain any value, regardless of their declared types.
    expect(await outcomeOf(verifier.verify(given as string))).toBe('INVALID_TOKEN malformed');
  });
});

describe('the messages of a refusal', () => {
  const hostile = 'x\r\n[Nest] \u001b[31m"owned"\u202e\u2028\0';

  it.each([
    ['issuer', { iss: hostile }, {}],
    ['audience', { aud: hostile }, {}],
    ['audience', { aud: [hostile, { [hostile]: hostile }] }, {}],
    ['algorithm', {}, { alg: hostile }],
    ['key', {}, { kid: hostile }],
    ['malformed', {}, { crit: [hostile] }],
  ])(
    '%s: repeat nothing of it in the message, and nothing unescaped in the explanation',
    async (reason, claims, header) => {
      const text = token(claims, header);
      const error = await errorOf(verifier.verify(text));

      expect([error?.code, error?.reason]).toEqual(['INVALID_TOKEN', reason]);
      expect(error?.message).toMatch(/^[A-Z][a-z ]+$/);
      expect(error?.explanation).toContain('owned');
      expect(error?.explanation).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      expect(JSON.stringify(error)).not.toContain('owned');
      for (const part of text.split('.')) expect(error?.explanation).not.toContain(part);
    },
  );

  it('quote the type', async () => {
    const asking = openVerifier(
      jwtIssuer({
        issuer: tools.issuer.url,
        audience: 'api',
        publicKey: tools.issuer.publicKey,
        tokenType: 'at+jwt',
      }),
      { clock },
    );
    const error = await errorOf(asking.verifier.verify(token({}, { typ: hostile })));

    expect([error?.reason, error?.message]).toEqual(['type', 'The access token is of the wrong type']);
    expect(error?.explanation).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
  });

  it('never contain the token', async () => {
    const texts = [
      token({ exp: tools.now - 100 }),
      token({ nbf: tools.now + 100 }),
      token({ sub: '' }),
      token({ aud: undefined }),
      token({ iss: undefined }),
      tools.forge(tools.header(), tools.claims()),
      `${token()}x`,
      `Bearer ${token()}`,
      token().replace('.', ''),
      token().toUpperCase(),
    ];
    for (const text of texts) {
      const error = await errorOf(verifier.verify(text));
      const shown = inspect(error, { showHidden: true, depth: 10 });

      expect(error?.code).toBe('INVALID_TOKEN');
      for (const part of text.split('.').filter(({ length }) => length > 20)) expect(shown).not.toContain(part);
    }
  });
});
