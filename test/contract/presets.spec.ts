/** What every preset has to do, whatever issuer it describes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { IdentityProvider } from '../../src/issuers/identity-provider.js';
import { claimMapsOf } from '../../src/open-providers.js';
import { TestIssuer } from '../../src/testing/test-issuer.js';
import type { AuthUser } from '../../src/user/auth-user.js';
import { toAuthUser } from '../../src/user/verified-user.js';
import { type AnsweringServer, startServer } from '../support/answering-server.js';
import { ManualClock } from '../support/manual-clock.js';
import { openVerifier } from '../support/opened-verifier.js';
import { configurationErrorOf, outcomeOf } from '../support/outcome.js';
import { type Preset, presets } from '../support/presets.js';

const clock = new ManualClock();

/** One issuer for each preset, each with keys of its own. */
let issuers: ReadonlyMap<Preset, TestIssuer>;
/** Where PropelAuth's project keeps its key. */
let api: AnsweringServer;
let apiStatus: number;

beforeAll(async () => {
  const started = Object.values(presets).map(async (preset) => {
    const { algorithm, path = '' } = preset;
    return [preset, await TestIssuer.start({ algorithm, path, clock })] as const;
  });
  issuers = new Map(await Promise.all(started));
}, 60_000);

afterAll(() => Promise.all([...issuers.values()].map((issuer) => issuer.stop())));

beforeEach(async () => {
  apiStatus = 200;
  api = await startServer((_, response) => {
    const body = { verifier_key_pem: at(presets['propelAuth']).publicKeyPem };
    response.writeHead(apiStatus, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  for (const issuer of issuers.values()) issuer.recover();
});

/** The issuer that a preset is pointed at. */
function at(preset: Preset | undefined): TestIssuer {
  const issuer = preset && issuers.get(preset);
  if (issuer === undefined) throw new Error('This preset has no issuer');
  return issuer;
}

function nameOf(preset: Preset): string {
  return preset.issuer ?? at(preset).url;
}

function claimsOf(preset: Preset): Readonly<Record<string, unknown>> {
  return { iss: nameOf(preset), ...preset.claims };
}

function create(
  preset: Preset,
  options: Readonly<Record<string, unknown>> = preset.options(at(preset), api.url),
): IdentityProvider {
  return preset.create(options as never);
}

function tokenOf(preset: Preset): Promise<string> {
  return at(preset).token(claimsOf(preset));
}

/** The presets that follow in the list, from the front again at its end: not all with all, for the time it takes. */
function nextTo(name: string, count: number): readonly (readonly [string, Preset])[] {
  const all = Object.entries(presets);
  const position = all.findIndex(([other]) => other === name);
  return Array.from({ length: count }, (_, index) => all[(position + 1 + index) % all.length]).filter(
    (other) => other !== undefined,
  );
}

function requestsSoFar(): number {
  return [...issuers.values()].reduce((sum, issuer) => sum + issuer.requests.total, api.requests.length);
}

describe.each(Object.entries(presets))('%s', (name, preset) => {
  const others = nextTo(name, 3);

  it('returns a deeply frozen object', () => {
    const parts = (value: unknown): readonly object[] =>
      typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(parts)] : [];
    const all = parts(create(preset));

    expect(all.length).toBeGreaterThan(5);
    expect(all.filter((part) => !Object.isFrozen(part))).toEqual([]);
  });

  it('does not change with the options object', async () => {
    const options: Record<string, unknown> = { ...preset.options(at(preset), api.url) };
    const audience = ['api'];
    if ('audience' in options) options['audience'] = audience;
    const { verifier } = openVerifier(create(preset, options), { clock });
    audience.splice(0, 1, 'other');
    for (const option of Object.keys(options)) options[option] = 'changed';

    expect(await outcomeOf(verifier.verify(await tokenOf(preset)))).toBe('accepted');
  });

  it('makes no call before the first token of its issuer', async () => {
    const before = requestsSoFar();
    const { verifier } = openVerifier(create(preset), { clock });
    await outcomeOf(verifier.verify('not-a-token'));
    for (const [, other] of others) await outcomeOf(verifier.verify(await tokenOf(other)));
    expect(requestsSoFar() - before).toBe(0);

    await verifier.verify(await tokenOf(preset));
    expect(requestsSoFar() - before).toBeGreaterThan(0);
  });

  it('accepts a valid token and creates a user', async () => {
    const provider = create(preset);
    const { verifier } = openVerifier(provider, { clock });
    const text = await tokenOf(preset);
    const verified = await verifier.verify(text);
    const claimMap = claimMapsOf([provider]).get(verified.issuer);
    const user: AuthUser | undefined = claimMap && toAuthUser(text, verified, claimMap);

    expect(user).toMatchObject({ id: 'test-user', issuer: nameOf(preset), provider: preset.provider });
  });

  it.each(others)('refuses tokens of %s because of their issuer', async (_, other) => {
    const { verifier } = openVerifier(create(preset), { clock });

    expect(await outcomeOf(verifier.verify(await tokenOf(other)))).toBe('INVALID_TOKEN issuer');
  });

  it.each(others)('does not verify a token with a key of %s, although both are trusted', async (_, other) => {
    const { verifier } = openVerifier([create(preset), create(other)], { clock });
    const mine = at(preset);
    const theirs = at(other);
    const forge = (header: Readonly<Record<string, unknown>>): Promise<string> =>
      theirs.token(claimsOf(preset), { header });
    const sameKind = mine.publicKey.alg === theirs.publicKey.alg;

    expect(await outcomeOf(verifier.verify(await tokenOf(preset)))).toBe('accepted');
    expect(await outcomeOf(verifier.verify(await tokenOf(other)))).toBe('accepted');
    // Under the name of my key, under the name of theirs, and under none.
    expect(await outcomeOf(verifier.verify(await forge({ kid: mine.publicKey.kid })))).toBe(
      `INVALID_TOKEN ${sameKind ? 'signature' : 'algorithm'}`,
    );
    expect(await outcomeOf(verifier.verify(await forge({})))).toMatch(/^INVALID_TOKEN (?:key|signature|algorithm)$/);
    expect(await outcomeOf(verifier.verify(await forge({ kid: undefined })))).toMatch(
      /^INVALID_TOKEN (?:key|signature|algorithm)$/,
    );
  });

  it('refuses forged and expired tokens', async () => {
    const { verifier } = openVerifier(create(preset), { clock });
    const forged = await at(preset).token(claimsOf(preset), { signWith: 'stranger' });
    const over = await at(preset).token(claimsOf(preset), { expiresIn: '-10s' });

    expect(await outcomeOf(verifier.verify(forged))).toBe('INVALID_TOKEN signature');
    expect(await outcomeOf(verifier.verify(over))).toBe('INVALID_TOKEN expired');
  }, 30_000);

  it('causes a fault and not a refusal while the keys cannot be fetched, and recovers', async () => {
    const { verifier, events } = openVerifier(create(preset), { clock });
    at(preset).fail('503');
    apiStatus = 503;
    expect(await outcomeOf(verifier.verify(await tokenOf(preset)))).toBe('SERVER_ERROR');

    at(preset).recover();
    apiStatus = 200;
    expect(await outcomeOf(verifier.verify(await tokenOf(preset)))).toBe('accepted');
    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
  });

  it('refuses an unknown option', () => {
    const error = configurationErrorOf(() =>
      create(preset, { ...preset.options(at(preset), api.url), nonsense: 'hush' }),
    );

    expect(error.code).toBe('CONFIGURATION_ERROR');
    expect(error.path).toBe(`${name}({ nonsense })`);
    expect(error.message).toMatch(/: there is no option of this name\. Known options: \w+, /);
    expect(error.message).not.toContain('hush');
  });

  it.each(preset.required)('requires %s', (option) => {
    const error = configurationErrorOf(() =>
      create(preset, { ...preset.options(at(preset), api.url), [option]: undefined }),
    );

    expect(error.path).toBe(`${name}({ ${option} })`);
    expect(error.message).toMatch(/: it is missing\. (?:Write|It is) .+\.$/);
  });

  it.each([null, [], 'https://issuer.example', 7])('refuses %j as options', (given) => {
    const error = configurationErrorOf(() => preset.create(given as never));

    expect(error.path).toBe(name);
    expect(error.message).toContain('an object of options is expected. Known options: ');
  });
});
