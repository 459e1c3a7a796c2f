import { IsIn } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { RefusalError } from '../../../src/errors/auth-error.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { AnsweringStatusSource, setUpAsking } from '../../support/asking-verifier.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

class OnlyStaff {
  @IsIn(['staff'])
  role!: string;
}

describe('an introspected token', () => {
  it('needs no key, because the issuer checks the signature', async () => {
    const { verifier, statusSource, token, issuer } = await setUpAsking();
    const forged = await token({}, { signWith: 'stranger' });

    expect(await verifier.verify(forged)).toMatchObject({ issuer: issuer.url, claims: { sub: 'alice' } });
    expect(statusSource.asked).toBe(1);
  });

  it.each([
    ['malformed', (text: string) => `${text}.x`.replace('.', '')],
    ['algorithm', (text: string) => text.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString('base64url'))],
  ])('is not sent to the issuer when it is %s', async (reason, spoil) => {
    const { verifier, statusSource, token } = await setUpAsking({ statusSource: new AnsweringStatusSource(false) });

    expect(await outcomeOf(verifier.verify(spoil(await token())))).toBe(`INVALID_TOKEN ${reason}`);
    expect(statusSource.asked).toBe(0);
  });

  it.each([
    ['expired', { exp: 1_000 }],
    ['not_yet_valid', { nbf: 4_000_000_000 }],
    ['audience', { aud: 'other' }],
    ['audience', { aud: undefined }],
    ['claim', { sub: '' }],
    ['claim', { exp: undefined }],
    ['issuer', { iss: 'https://other.example' }],
  ])('is not sent to the issuer when its own claims refuse it: %s', async (reason, members) => {
    for (const verification of ['online', 'hybrid'] as const) {
      const { verifier, statusSource, token } = await setUpAsking({ verification });

      expect(await outcomeOf(verifier.verify(await token(members)))).toBe(`INVALID_TOKEN ${reason}`);
      expect(statusSource.asked).toBe(0);
    }
  });

  it('is checked with the claims of the response once more', async () => {
    const { verifier, statusSource, token, said, now } = await setUpAsking();
    const text = await token({ scope: 'read write', role: 'guest' });
    const judge = (answer: JsonObject): Promise<string> => {
      statusSource.answer = answer;
      return outcomeOf(verifier.verify(text));
    };

    expect(await judge({})).toBe('accepted');
    expect(await judge(said)).toBe('accepted');
    expect(await judge({ ...said, aud: ['x', 'api'] })).toBe('accepted');
    expect(await judge({ ...said, aud: 'other' })).toBe('INVALID_TOKEN audience');
    expect(await judge({ ...said, iss: 'https://other.example' })).toBe('INVALID_TOKEN issuer');
    expect(await judge({ ...said, sub: 'bob' })).toBe('INVALID_TOKEN claim');
    expect(await judge({ ...said, exp: now - 1 })).toBe('INVALID_TOKEN expired');
    expect(await judge({ ...said, nbf: now + 60 })).toBe('INVALID_TOKEN not_yet_valid');
    expect(statusSource.asked).toBe(8);
  });

  it('has the claims of the response, which replace its own', async () => {
    const { verifier, statusSource, token, said, now } = await setUpAsking();
    statusSource.answer = { ...said, scope: 'read', username: 'Alice', exp: now + 9_000 };
    const { claims, expiresAt, header } = await verifier.verify(await token({ scope: 'read write', role: 'guest' }));

    expect(claims).toMatchObject({ sub: 'alice', scope: 'read', role: 'guest', username: 'Alice' });
    expect(expiresAt).toEqual(new Date((now + 300) * 1_000));
    expect(header.alg).toBe('ES256');
    statusSource.answer = { ...said, exp: now + 60 };
    expect((await verifier.verify(await token())).expiresAt).toEqual(new Date((now + 60) * 1_000));
  });

  it('must satisfy the claims class of the app with the claims of the response', async () => {
    const { verifier, statusSource, token } = await setUpAsking({ claims: OnlyStaff });
    statusSource.answer = { role: 'staff' };
    expect(await outcomeOf(verifier.verify(await token({ role: 'guest' })))).toBe('accepted');
    statusSource.answer = { role: 'guest' };
    expect(await outcomeOf(verifier.verify(await token({ role: 'staff' })))).toBe('INVALID_TOKEN claim');
  });

  it('is sent to the issuer each time, even if it was accepted before', async () => {
    for (const verification of ['online', 'hybrid'] as const) {
      const { verifier, statusSource, token } = await setUpAsking({ verification });
      const text = await token();
      for (let at = 0; at < 5; at += 1) await verifier.verify(text);

      expect(statusSource.asked).toBe(5);
      expect(verifier.findVerified(text)).toBeUndefined();
      statusSource.answer = RefusalError.token('revoked', 'it is');
      expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN revoked');
    }
  });

  it('is sent to the issuer once in the configured seconds, and not after its expiry', async () => {
    const { verifier, statusSource, token, clock } = await setUpAsking({ onlineVerdictSeconds: 30 });
    const text = await token({}, { expiresIn: '40s' });
    await verifier.verify(text);
    clock.advanceSeconds(29);
    await verifier.verify(text);
    expect(statusSource.asked).toBe(1);
    clock.advanceSeconds(1);
    await verifier.verify(text);
    expect(statusSource.asked).toBe(2);

    clock.advanceSeconds(10);
    expect(await outcomeOf(verifier.verify(text))).toBe('INVALID_TOKEN expired');
    expect(statusSource.asked).toBe(2);
  });

  it('is distinguished from another one with the same end', async () => {
    const { verifier, statusSource, token } = await setUpAsking({ onlineVerdictSeconds: 30 });
    const [, payload, signature] = (await token()).split('.');
    const other = (await token({ sub: 'bob' }))
      .split('.')
      .with(2, signature ?? '')
      .join('.');
    await verifier.verify(other);
    statusSource.answer = RefusalError.token('revoked', 'it is');
    const header = other.split('.')[0] ?? '';

    expect(await outcomeOf(verifier.verify(`${header}.${payload ?? ''}.${signature ?? ''}`))).toBe(
      'INVALID_TOKEN revoked',
    );
  });
});

describe('the hybrid mode', () => {
  it('does not send a token to the issuer that does not verify', async () => {
    const { verifier, statusSource, token } = await setUpAsking({ verification: 'hybrid' });

    expect(await outcomeOf(verifier.verify(await token({}, { signWith: 'stranger' })))).toBe('INVALID_TOKEN signature');
    expect(await outcomeOf(verifier.verify(await token({}, { header: { kid: 'x' } })))).toBe('INVALID_TOKEN key');
    expect(statusSource.asked).toBe(0);
    expect(await outcomeOf(verifier.verify(await token()))).toBe('accepted');
    expect(statusSource.asked).toBe(1);
  });
});

describe('a route with @VerifyOnline()', () => {
  it('makes one call, after the signature check, also for a cached token', async () => {
    const { verifier, statusSource, token } = await setUpAsking({ verification: 'local' });
    const text = await token();
    for (let at = 0; at < 3; at += 1) await verifier.verify(text);
    expect(verifier.findVerified(text)).toBeDefined();
    expect(statusSource.asked).toBe(0);

    expect(await outcomeOf(verifier.verifyOnline(text))).toBe('accepted');
    expect(statusSource.asked).toBe(1);
    statusSource.answer = RefusalError.token('revoked', 'it is');
    expect(await outcomeOf(verifier.verifyOnline(text))).toBe('INVALID_TOKEN revoked');
    expect(await outcomeOf(verifier.verifyOnline(await token({}, { signWith: 'stranger' })))).toBe(
      'INVALID_TOKEN signature',
    );
    expect(statusSource.asked).toBe(2);
  });

  it.each(['online', 'hybrid'] as const)('makes no second call when %s makes one anyway', async (verification) => {
    const { verifier, statusSource, token } = await setUpAsking({ verification });

    expect((await verifier.verifyOnline(await token())).key).toBeNull();
    expect(statusSource.asked).toBe(1);
  });

  it('cannot use an issuer without introspection, and the error names the missing option', async () => {
    const { verifier, token } = await setUpAsking({ verification: 'local', statusSource: null });
    const text = await token();

    expect((await errorOf(verifier.verifyOnline(text)))?.message).toBe(
      'joe: @VerifyOnline() requires introspection, which this issuer does not have. Ask joe.',
    );
    expect(await outcomeOf(verifier.verify(text))).toBe('accepted');
  });
});

describe('a reused response', () => {
  it('counts for its request only, and for seconds only', async () => {
    const { verifier, token, clock } = await setUpAsking();
    const verdict = await verifier.verifyUncached(await token({}, { expiresIn: '3s' }));

    expect(verifier.holds(verdict)).toBe(true);
    clock.advanceSeconds(-1);
    expect(verifier.holds(verdict)).toBe(false);
    clock.advanceSeconds(4);
    expect(await outcomeOf(() => verifier.holds(verdict))).toBe('INVALID_TOKEN expired');
    clock.advanceSeconds(2);
    expect(verifier.holds(verdict)).toBe(false);
  });
});
