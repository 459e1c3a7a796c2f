/** `TokenExplainer` gives the text that the log has for the same token, and marks the check that the app refuses it for. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, oidc, RevocationService, TokenExplainer } from 'nest-gatehouse';
import { ApiKeyService, ApiKeysModule, apiKeys } from 'nest-gatehouse/api-keys';
import { memoryStores, type TestIssuer } from 'nest-gatehouse/testing';
import { IsString } from 'class-validator';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { DpopKey } from '../support/dpop-key.js';
import { LogLines } from '../support/log-lines.js';
import { ManualClock } from '../support/manual-clock.js';

@UseGuards(AuthGuard)
@Controller('me')
class MeController {
  @Get()
  me(): object {
    return {};
  }
}

class Claims {
  @IsString()
  team!: string;
}

const claims = { aud: 'api', team: 'red', jti: 'a-jti', name: 'Alice Example' };

describe.each(platforms)('an explanation on $name', (platform) => {
  const clock = new ManualClock();
  const log = new LogLines();
  let issuer: TestIssuer;
  let app: RunningApp;
  let explainer: TokenExplainer;

  beforeAll(async () => {
    issuer = await startIssuer({ clock });
    app = await startApp(platform, {
      imports: [
        AuthModule.forRoot({
          issuers: [oidc({ issuer: issuer.url, audience: 'api', tokenType: 'JWT' }), apiKeys()],
          claims: Claims,
          revocation: true,
          clock,
        }),
        memoryStores(),
        ApiKeysModule.forRoot({ prefix: 'acme', findSubject: (id) => ({ id }) }),
      ],
      controllers: [MeController],
      logger: log,
    });
    explainer = app.nest.get(TokenExplainer);
  });

  beforeEach(() => {
    log.forget();
  });

  /** The explanation in the line that a request with the token leaves. */
  const logOf = async (token: string): Promise<string> => {
    log.forget();
    expect((await app.call('/me', { token })).status).toBe(401);
    const line = log.ours('debug')[0]?.text ?? '';
    return /^MeController\.me: refused \([^)]*\)\. (.*?)\.? See https:\S+$/.exec(line)?.[1] ?? line;
  };

  interface Wrong {
    readonly reason: string;
    readonly check: string;
    readonly option: string | null;
    readonly token: () => Promise<string>;
  }

  const wrong: readonly Wrong[] = [
    { reason: 'malformed', check: 'form', option: null, token: () => Promise.resolve('opaque-token-of-someone') },
    {
      reason: 'expired',
      check: 'time',
      option: 'oidc({ clockToleranceSeconds })',
      token: () => issuer.token(claims, { expiresIn: '-10s' }),
    },
    {
      reason: 'not_yet_valid',
      check: 'time',
      option: 'oidc({ clockToleranceSeconds })',
      token: () => issuer.token(claims, { notBefore: '30s' }),
    },
    {
      reason: 'signature',
      check: 'signature',
      option: 'oidc({ jwksUri })',
      token: () => issuer.token(claims, { signWith: 'stranger' }),
    },
    {
      reason: 'algorithm',
      check: 'algorithm',
      option: 'oidc({ algorithms })',
      token: () => issuer.token(claims, { header: { alg: 'HS256' } }),
    },
    {
      reason: 'key',
      check: 'key',
      option: 'oidc({ jwksUri })',
      token: () => issuer.token(claims, { header: { kid: 'of-nobody' } }),
    },
    {
      reason: 'issuer',
      check: 'issuer',
      option: 'oidc({ issuer })',
      token: () => issuer.token({ ...claims, iss: `${issuer.url}/` }),
    },
    {
      reason: 'audience',
      check: 'audience',
      option: 'oidc({ audience })',
      token: () => issuer.token({ ...claims, aud: 'web' }),
    },
    {
      reason: 'type',
      check: 'type',
      option: 'oidc({ tokenType })',
      token: () => issuer.token(claims, { header: { typ: 'id+jwt' } }),
    },
    {
      reason: 'claim',
      check: 'subject',
      option: 'oidc({ subjectClaim })',
      token: () => issuer.token({ ...claims, sub: undefined }),
    },
    {
      reason: 'claim',
      check: 'status',
      option: 'AuthModule.forRoot({ claims, revocation })',
      token: () => issuer.token({ ...claims, team: 7 }),
    },
    {
      reason: 'proof',
      check: 'binding',
      option: 'AuthModule.forRoot({ dpop })',
      token: () => issuer.token({ ...claims, cnf: { jkt: new DpopKey().jkt } }),
    },
    {
      reason: 'revoked',
      check: 'status',
      option: 'AuthModule.forRoot({ claims, revocation })',
      token: async () => {
        const [id, expiresAt] = ['to-revoke', new Date(clock.now().getTime() + 600_000)];
        await app.nest.get(RevocationService).revokeToken({ issuer: issuer.url, id, expiresAt });
        return issuer.token({ ...claims, jti: id });
      },
    },
  ];

  it.each(wrong)('of $reason marks the check $check, with the text of the log', async ({ token, ...expected }) => {
    const text = await token();
    const explanation = await explainer.explain(`Bearer ${text}`);
    expect(explanation).toMatchObject({ outcome: 'refused', code: 'INVALID_TOKEN', reason: expected.reason });
    expect(explanation.firstFailure).toMatchObject({ id: expected.check, option: expected.option, status: 'failed' });
    expect(explanation.firstFailure?.docs).toMatch(
      new RegExp(`/reference/errors#invalid-token-${expected.reason.replaceAll('_', '-')}$`),
    );
    expect(explanation.firstFailure?.fix).toMatch(/\w/);
    expect(explanation.firstFailure?.explanation).toBe(await logOf(text));
    expect(explanation.checks.find(({ status }) => status === 'failed')).toBe(explanation.firstFailure);
  });

  it('of a good token passes every check but that of the route, and has claims only where they are asked for', async () => {
    const token = await issuer.token(claims);
    const explanation = await explainer.explain(token);
    expect(explanation).toMatchObject({ kind: 'jwt', outcome: 'accepted', firstFailure: null, code: null });
    expect(explanation.checks.filter(({ status }) => status !== 'passed').map(({ id }) => id)).toEqual(['route']);
    expect(explanation).not.toHaveProperty('claims');
    expect(JSON.stringify(explanation)).not.toContain('Alice');
    expect((await explainer.explain(token, { claims: true })).claims).toMatchObject({ name: 'Alice Example' });
  });

  it('goes on after a failure, and marks the first', async () => {
    const token = await issuer.token({ ...claims, aud: 'web' }, { expiresIn: '-1h' });
    const { checks, firstFailure } = await explainer.explain(token);
    expect(checks.filter(({ status }) => status === 'failed').map(({ id }) => id)).toEqual(['time', 'audience']);
    expect(firstFailure?.id).toBe('time');
  });

  it('never repeats a part of a token, a proof or a key', async () => {
    const texts = await Promise.all(wrong.filter(({ reason }) => reason !== 'malformed').map(({ token }) => token()));
    const key = await app.nest.get(ApiKeyService).create({ userId: 'alice' });
    const proof = new DpopKey().proof({ url: `${app.url}/me`, at: clock.now() });
    for (const text of [...texts, key.text, `${key.text.slice(0, -1)}!`, proof]) {
      const written = JSON.stringify(await explainer.explain(text));
      const secrets = text.startsWith('acme_') ? [text, text.slice(28, -4)] : [text, ...text.split('.')];
      for (const secret of secrets) expect(written).not.toContain(secret);
    }
  });

  it('of keys that cannot be fetched is undecided, and no failure', async () => {
    await issuer.rotateKeys({ keepOld: true });
    // Unknown keys are asked for again only after a while.
    clock.advanceSeconds(300);
    const token = await issuer.token(claims);
    issuer.fail('503');
    const { outcome, firstFailure, checks } = await explainer.explain(token);
    issuer.recover();
    clock.advanceSeconds(300);
    expect({ outcome, firstFailure }).toEqual({ outcome: 'undecided', firstFailure: null });
    const key = checks.find(({ id }) => id === 'key');
    expect(key).toMatchObject({ status: 'not_checked', docs: expect.stringMatching(/#server-error$/) as string });
    expect(key?.explanation).toContain('answered with status 503');
  });

  it('of an API key asks for its state, and is no attempt to use it', async () => {
    const service = app.nest.get(ApiKeyService);
    const key = await service.create({ userId: 'alice' });
    expect(await explainer.explain(key.text)).toMatchObject({ kind: 'api-key', outcome: 'accepted' });
    await service.revoke(key.id);
    const revoked = await explainer.explain(key.text);
    expect(revoked).toMatchObject({ outcome: 'refused', reason: 'revoked' });
    expect(revoked.firstFailure?.explanation).toBe(await logOf(key.text));
    const cut = key.text.slice(0, -1);
    expect((await explainer.explain(cut)).firstFailure?.explanation).toBe(await logOf(cut));
    // Thirty refused requests of a network would be the last that are answered with 401.
    for (let at = 0; at < 35; at += 1) await explainer.explain(cut);
    expect((await app.call('/me', { token: cut })).status).toBe(401);
  });

  it('of a token that is bound to a certificate leaves open whether the connection has it', async () => {
    const bound = await issuer.token({ ...claims, cnf: { 'x5t#S256': 'A'.repeat(43) } });
    const { checks } = await explainer.explain(bound);
    const binding = checks.find(({ id }) => id === 'binding');
    expect(binding).toMatchObject({ status: 'not_checked' });
    expect(binding?.explanation).toContain('client certificate');
  });

  it('of a DPoP proof shows its target, and refuses one of another time', async () => {
    const key = new DpopKey();
    const parts = { url: 'https://api.example.com/me', method: 'GET' };
    const good = await explainer.explain(`DPoP: ${key.proof({ ...parts, at: clock.now() })}`);
    expect(good).toMatchObject({ kind: 'dpop-proof', outcome: 'accepted' });
    expect(good.checks.find(({ id }) => id === 'target')?.found).toBe('"GET" "https://api.example.com/me"');
    const late = await explainer.explain(key.proof({ ...parts, at: new Date(clock.now().getTime() - 3_600_000) }));
    expect(late.firstFailure).toMatchObject({ id: 'time' });
    const forged = key.proof({ ...parts, at: clock.now(), header: { jwk: new DpopKey().jwk } });
    expect((await explainer.explain(forged)).firstFailure).toMatchObject({ id: 'signature' });
  });

  it('of a proof for an address outside of publicUrl names the option', async () => {
    const given = { issuers: oidc({ issuer: issuer.url, audience: 'api' }), dpop: 'accept', clock } as const;
    const outside = await startApp(platform, {
      imports: [AuthModule.forRoot({ ...given, publicUrl: 'https://api.example.com/v1' })],
      controllers: [MeController],
    });
    const of = (url: string) => outside.nest.get(TokenExplainer).explain(new DpopKey().proof({ url, at: clock.now() }));
    expect(await of('https://api.example.com/v1/me')).toMatchObject({ outcome: 'accepted' });
    const refused = await of('https://api.example.com/me');
    expect(refused.firstFailure).toMatchObject({ id: 'target', option: 'AuthModule.forRoot({ publicUrl })' });
    expect(refused.firstFailure?.expected).toContain('https://api.example.com/v1');
  });

  it('of a signature by another key names the address of the keys', async () => {
    const [mine, foreign] = [await startIssuer({ clock }), await issuer.token(claims, { signWith: 'stranger' })];
    const mirrored = await startApp(platform, {
      imports: [
        AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api', jwksUri: mine.jwksUri }), clock }),
      ],
      controllers: [MeController],
    });
    const { firstFailure } = await mirrored.nest.get(TokenExplainer).explain(foreign);
    expect(firstFailure?.option).toBe('oidc({ jwksUri })');
    expect(firstFailure?.expected).toContain(`the app reads keys at ${mine.jwksUri}`);
  });

  it('of the challenge of an answer names the reason', async () => {
    const { headers } = await app.call('/me', { token: await issuer.token({ ...claims, aud: 'web' }) });
    const challenge = String(headers['www-authenticate']);
    const explained = await explainer.explain(`WWW-Authenticate: ${challenge}`);
    expect(explained).toMatchObject({ kind: 'challenge', code: 'INVALID_TOKEN', reason: 'audience' });
    expect(await explainer.explain('Bearer')).toMatchObject({ code: 'MISSING_TOKEN', reason: null });
    expect(await explainer.explain('DPoP error="use_dpop_nonce"')).toMatchObject({ code: 'USE_DPOP_NONCE' });
  });
});
