import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { stackAuth, type StackAuthOptions } from '../../../src/issuers/stack-auth/stack-auth.js';
import { compactJws, createSigningKey, type SigningKey } from '../../../src/testing/signing-key.js';
import { type AnsweringServer, startDocuments } from '../../support/answering-server.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { outcomeOf } from '../../support/outcome.js';

const projectId = 'p1';
const address = `/api/v1/projects/${projectId}/.well-known/jwks.json`;
const clock = new ManualClock();
const kinds = {
  normal: { path: 'projects', suffix: '', flags: { is_anonymous: false, is_restricted: false } },
  restricted: {
    path: 'projects-restricted-users',
    suffix: ':restricted',
    flags: { is_anonymous: false, is_restricted: true },
  },
  anonymous: { path: 'projects-anonymous-users', suffix: ':anon', flags: { is_anonymous: true, is_restricted: true } },
} as const;

type Kind = keyof typeof kinds;

/** One key for each kind of user, as the servers have them. */
let keys: Readonly<Record<Kind, SigningKey>>;
let server: AnsweringServer;

beforeAll(async () => {
  const [normal, restricted, anonymous] = await Promise.all(
    ['n', 'r', 'a'].map((kid) => createSigningKey('ES256', kid)),
  );
  keys = { normal, restricted, anonymous } as Record<Kind, SigningKey>;
});

beforeEach(async () => {
  server = await startDocuments({
    [address]: { keys: [keys.normal.publicKey] },
    [`${address}?include_anonymous=true`]: { keys: Object.values(keys).map(({ publicKey }) => publicKey) },
  });
});

function token(kind: Kind, signer: Kind, header: object = {}): string {
  const now = clock.now().getTime() / 1_000;
  const { path, suffix, flags } = kinds[kind];
  const claims = {
    ...flags,
    iss: `${server.url}/api/v1/${path}/${projectId}`,
    aud: `${projectId}${suffix}`,
    sub: 'u1',
    iat: now,
    exp: now + 600,
  };
  return compactJws(keys[signer], { alg: 'ES256', kid: keys[signer].kid, ...header }, claims);
}

function judgeWith(options: StackAuthOptions): (text: string) => Promise<string> {
  const { verifier } = openVerifier(stackAuth({ projectId, baseUrl: server.url, ...options }), { clock });
  return (text) => outcomeOf(verifier.verify(text));
}

const everybody: StackAuthOptions = { allowAnonymous: true, allowRestricted: true };

describe('the keys of a Stack Auth project', () => {
  it.each<StackAuthOptions>([{}, { allowAnonymous: true }, { allowRestricted: true }, everybody])(
    'never verify a normal user with a key of another kind: %j',
    async (options) => {
      const judge = judgeWith(options);
      // The larger set is there already, as it is in a busy app.
      await judge(token('anonymous', 'anonymous'));
      await judge(token('restricted', 'restricted'));

      expect(await judge(token('normal', 'normal'))).toBe('accepted');
      for (const signer of ['restricted', 'anonymous'] as const) {
        expect(await judge(token('normal', signer))).toBe('INVALID_TOKEN key');
        expect(await judge(token('normal', signer, { kid: undefined }))).toBe('INVALID_TOKEN signature');
        expect(await judge(token('normal', signer, { kid: 'n' }))).toBe('INVALID_TOKEN signature');
      }
    },
  );

  it('are fetched as two sets, each when it is first needed, for all of its kinds', async () => {
    const judge = judgeWith(everybody);
    expect(server.requests).toHaveLength(0);

    expect(await judge(token('restricted', 'restricted'))).toBe('accepted');
    expect(await judge(token('anonymous', 'anonymous'))).toBe('accepted');
    expect(server.requests.map(({ path }) => path)).toEqual([`${address}?include_anonymous=true`]);
    expect(await judge(token('normal', 'normal'))).toBe('accepted');
    expect(server.requests.map(({ path }) => path)).toEqual([`${address}?include_anonymous=true`, address]);
  });

  it('are not fetched for kinds that are not allowed', async () => {
    const judge = judgeWith({});

    expect(await judge(token('anonymous', 'anonymous'))).toBe('INVALID_TOKEN issuer');
    expect(await judge(token('restricted', 'restricted'))).toBe('INVALID_TOKEN issuer');
    expect(server.requests).toHaveLength(0);
  });

  it('are asked for as anybody may: without a key of the app', async () => {
    await judgeWith({ secretServerKey: 'ssk_secret' })(token('normal', 'normal'));

    expect(JSON.stringify(server.requests)).not.toContain('ssk_secret');
  });
});
