import { beforeEach, describe, expect, it } from 'vitest';
import { loadWebAuthn } from '../../../src/accounts/webauthn-package.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';
import { origin, PasskeyStand } from '../../support/passkey-stand.js';
import { type CborValue, type CeremonyChanges, SoftwareAuthenticator } from '../../support/software-authenticator.js';

let stand: PasskeyStand;

beforeEach(async () => {
  stand = new PasskeyStand(await loadWebAuthn('here'));
});

describe('registering a passkey', () => {
  it('asks for one that is discoverable and unlocked by its user, without attestation, and excludes what is there', async () => {
    const { credential } = await stand.registered();
    const challenge = await stand.issue('passkey-registration');
    const options = await stand.passkeys.createOptions(stand.account, challenge);
    expect(JSON.parse(JSON.stringify(options))).toEqual({
      rp: { id: 'example.com', name: 'Example' },
      user: {
        id: Buffer.from(stand.account.id.replaceAll('-', ''), 'hex').toString('base64url'),
        name: 'ada@example.com',
        displayName: '',
      },
      challenge: Buffer.from(challenge).toString('base64url'),
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ alg, type: 'public-key' })),
      timeout: 300_000,
      attestation: 'none',
      excludeCredentials: [{ id: credential?.id, transports: ['internal'], type: 'public-key' }],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      extensions: { credProps: true },
      hints: [],
    });
  });

  it.each(['ES256', 'EdDSA', 'RS256'] as const)('takes a key of %s, which then signs in', async (algorithm) => {
    const authenticator = await stand.registered({ algorithm });
    expect(await stand.signIn(authenticator)).toBe('accepted');
    expect(await stand.passkeys.list(stand.account.id)).toMatchObject([
      {
        credentialId: authenticator.credential?.id,
        transports: ['internal'],
        deviceType: 'multiDevice',
        backedUp: true,
        aaguid: '00000000-0000-0000-0000-000000000000',
        lastUsedAt: stand.clock.now(),
      },
    ]);
  });

  it.each<[string, CeremonyChanges]>([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of an origin that is not listed', { origin: 'https://example.com' }],
    ['of another port', { origin: `${origin}:8443` }],
    ['of another domain', { rpId: 'app.example.com' }],
    ['whose user was not verified', { isVerified: false }],
    ['whose user was not there', { isPresent: false }],
    ['of the other kind', { type: 'webauthn.get' }],
    ['in a frame of another site', { crossOrigin: true }],
    ['with another challenge', { challenge: Buffer.from('goc_AAAAAAAAAAAAAAAAAAAAAA').toString('base64url') }],
    ['without a challenge', { challenge: '' }],
    ['that is backed up and cannot be', { isBackupEligible: false, isBackedUp: true }],
  ])('refuses an answer %s', async (_, changes) => {
    const response = await stand.create(new SoftwareAuthenticator({ origin }), changes);
    expect(await outcomeOf(stand.register(response))).toBe('INVALID_CREDENTIALS');
    expect(await stand.passkeys.list(stand.account.id)).toEqual([]);
  });

  it.each<[string, (response: Record<string, unknown>) => object]>([
    ['that is empty', () => ({})],
    ['without its response', ({ id, rawId, type }) => ({ id, rawId, type })],
    ['of another type', (answer) => ({ ...answer, type: 'password' })],
    ['without id', ({ response, type }) => ({ response, type })],
    ['whose parts are lists', (answer) => ({ ...answer, response: ['clientDataJSON'] })],
    [
      'whose parts are no texts',
      ({ response, ...answer }) => ({ ...answer, response: { ...(response as object), attestationObject: 7 } }),
    ],
    [
      'without attestation object',
      ({ response, ...answer }) => ({ ...answer, response: { ...(response as object), attestationObject: undefined } }),
    ],
    [
      'whose attestation object is cut off',
      ({ response, ...answer }) => ({
        ...answer,
        response: { ...(response as object), attestationObject: 'o2NmbXRk' },
      }),
    ],
  ])('refuses an answer %s', async (_, change) => {
    const response = await stand.create(new SoftwareAuthenticator({ origin }));
    expect(await outcomeOf(stand.register(change({ ...response })))).toBe('INVALID_CREDENTIALS');
  });

  it('does not read what the authenticator says of itself, so that nothing is fetched for it', async () => {
    const url = 'http://127.0.0.1:9/revoked.crl';
    const statement = new Map<string, CborValue>([
      ['alg', -7],
      ['sig', Buffer.from('no signature')],
      ['x5c', [Buffer.from(url)]],
    ]);
    for (const format of ['packed', 'android-key', 'apple', 'no-such-format']) {
      const authenticator = new SoftwareAuthenticator({ origin });
      await stand.register(await stand.create(authenticator, { attestation: [format, statement] }));
      expect(await stand.signIn(authenticator), format).toBe('accepted');
    }
  });

  it('uses a challenge up for a wrong answer too, and for nothing in between', async () => {
    const authenticator = new SoftwareAuthenticator({ origin });
    const options = await stand.passkeys.createOptions(stand.account, await stand.issue('passkey-registration'));
    const wrong = authenticator.create(options, { isVerified: false });
    const right = authenticator.create(options);
    const elsewhere = stand.answer(right, 'elsewhere');
    const allowed = { name: 'Key', isAllowed: () => Promise.resolve(true) };
    expect(await outcomeOf(stand.passkeys.register(stand.account, elsewhere, allowed))).toBe('INVALID_CREDENTIALS');
    expect(await outcomeOf(stand.register(wrong))).toBe('INVALID_CREDENTIALS');
    const error = await errorOf(stand.register(right));
    expect(error?.explanation).toContain('It was never issued, was used or replaced, or has expired');
  });

  it('refuses a challenge after 5 minutes, and one of a sign-in', async () => {
    const authenticator = new SoftwareAuthenticator({ origin });
    const late = await stand.create(authenticator);
    stand.clock.advanceSeconds(300);
    expect(await outcomeOf(stand.register(late))).toBe('INVALID_CREDENTIALS');
    const options = await stand.passkeys.createOptions(stand.account, await stand.issue('passkey-sign-in'));
    expect(await outcomeOf(stand.register(authenticator.create(options)))).toBe('INVALID_CREDENTIALS');
    const inTime = await stand.create(authenticator);
    stand.clock.advanceSeconds(299.999);
    expect(await outcomeOf(stand.register(inTime))).toBe('accepted');
  });

  it('lets one of two accounts have a credential', async () => {
    const response = await stand.create(new SoftwareAuthenticator({ origin }));
    const challenge = Buffer.from(await stand.issue('passkey-registration')).toString('base64url');
    const clientData = { type: 'webauthn.create', challenge, origin };
    const again = {
      ...response,
      response: { ...response.response, clientDataJSON: Buffer.from(JSON.stringify(clientData)).toString('base64url') },
    };
    const outcomes = await Promise.all([
      outcomeOf(stand.register(response)),
      outcomeOf(stand.register(again, true, stand.newAccount())),
    ]);
    expect(outcomes.sort()).toEqual(['IDENTITY_TAKEN', 'accepted']);
  });

  it('takes no more than 20 passkeys, however many come at once', async () => {
    for (let count = 0; count < 18; count += 1) await stand.registered();
    const responses = await Promise.all(
      Array.from({ length: 10 }, () => stand.create(new SoftwareAuthenticator({ origin }))),
    );
    const outcomes = await Promise.all(responses.map((response) => outcomeOf(stand.register(response))));
    const added = outcomes.filter((outcome) => outcome === 'accepted').length;
    expect(outcomes.filter((outcome) => outcome === 'INVALID_INPUT')).toHaveLength(10 - added);
    expect(await stand.passkeys.list(stand.account.id)).toHaveLength(18 + added);
    while ((await stand.passkeys.list(stand.account.id)).length < 20) await stand.registered();
    expect(await outcomeOf(stand.create(new SoftwareAuthenticator({ origin })))).toBe('INVALID_INPUT');
  });

  it('leaves nothing where access ended meanwhile', async () => {
    const response = await stand.create(new SoftwareAuthenticator({ origin }));
    expect(await outcomeOf(stand.register(response, false))).toBe('INVALID_CREDENTIALS');
    expect(await stand.passkeys.list(stand.account.id)).toEqual([]);
  });

  it('takes ids of up to 1,023 bytes, and of the transports what can be one', async () => {
    const longest = new SoftwareAuthenticator({ origin, credentialIdBytes: 1_023 });
    expect(await outcomeOf(stand.register(await stand.create(longest)))).toBe('accepted');
    expect(await stand.signIn(longest)).toBe('accepted');
    const tooLong = new SoftwareAuthenticator({ origin, credentialIdBytes: 1_024 });
    expect(await outcomeOf(stand.register(await stand.create(tooLong)))).toBe('INVALID_CREDENTIALS');
    const { response, ...rest } = await stand.create(new SoftwareAuthenticator({ origin }));
    const transports = ['usb', 'smart-card', 7, '<b>', 'x'.repeat(33), ...'abcdefghijk'];
    const { transports: kept } = await stand.register({ ...rest, response: { ...response, transports } });
    expect(kept).toEqual(['usb', 'smart-card', ...'abcdefgh']);
  });
});

describe('signing in with a passkey', () => {
  it.each<[string, CeremonyChanges]>([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of another domain', { rpId: 'evil.example' }],
    ['whose user was not verified', { isVerified: false }],
    ['whose user was not there', { isPresent: false }],
    ['of the other kind', { type: 'webauthn.create' }],
    ['in a frame of another site', { crossOrigin: true }],
    ['without user handle', { userHandle: null }],
    ['with an empty user handle', { userHandle: '' }],
    ['with another user handle', { userHandle: Buffer.alloc(16).toString('base64url') }],
    ['of a device that cannot copy it', { isBackupEligible: false, isBackedUp: false }],
  ])('refuses an answer %s', async (_, changes) => {
    const authenticator = await stand.registered();
    expect(await stand.signIn(authenticator, changes)).toBe('INVALID_CREDENTIALS');
    expect(await stand.signIn(authenticator)).toBe('accepted');
  });

  it('refuses another key, another passkey and one that was removed', async () => {
    const [own, other] = [await stand.registered(), await stand.registered()];
    const mixed = own.clone();
    mixed.credential = { ...mixed.credential, privateKey: other.credential?.privateKey } as typeof mixed.credential;
    expect(await stand.signIn(mixed)).toBe('INVALID_CREDENTIALS');
    await stand.store.remove(stand.account.id, own.credential?.id ?? '');
    expect(await stand.signIn(own)).toBe('INVALID_CREDENTIALS');
    expect(await stand.signIn(other)).toBe('accepted');
  });

  it('keeps whether there is a copy', async () => {
    const authenticator = await stand.registered();
    for (const isBackedUp of [false, true]) {
      expect(await stand.signIn(authenticator, { isBackedUp })).toBe('accepted');
      expect((await stand.passkeys.find(authenticator.credential?.id))?.backedUp).toBe(isBackedUp);
    }
  });

  it('refuses a counter that is not ahead for a passkey of one device', async () => {
    const authenticator = await stand.registered({ isSynced: false });
    expect(await stand.signIn(authenticator)).toBe('accepted');
    const clone = authenticator.clone();
    expect(await stand.signIn(authenticator)).toBe('accepted');
    expect(await stand.signIn(clone), 'the same counter').toBe('INVALID_CREDENTIALS');
    expect(await stand.signIn(authenticator, { counter: 1 })).toBe('INVALID_CREDENTIALS');
    expect(await stand.signIn(authenticator, { counter: 0 })).toBe('INVALID_CREDENTIALS');
    expect(await stand.signIn(authenticator)).toBe('accepted');
    expect((await stand.passkeys.find(authenticator.credential?.id))?.counter).toBe(authenticator.credential?.counter);
  });

  it('lets one of two copies with one counter pass at the same moment', async () => {
    const authenticator = await stand.registered({ isSynced: false });
    const clone = authenticator.clone();
    const outcomes = await Promise.all([stand.signIn(authenticator), stand.signIn(clone)]);
    expect(outcomes.sort()).toEqual(['INVALID_CREDENTIALS', 'accepted']);
  });

  it('never refuses the counter of a passkey that may be copied, nor one that does not count', async () => {
    const synced = await stand.registered();
    for (const counter of [7, 7, 3, 0, 0]) {
      expect(await stand.signIn(synced, { counter })).toBe('accepted');
      expect((await stand.passkeys.find(synced.credential?.id))?.counter).toBe(counter);
    }
    const both = await Promise.all([stand.signIn(synced, { counter: 5 }), stand.signIn(synced, { counter: 5 })]);
    expect(both).toEqual(['accepted', 'accepted']);
    const single = new SoftwareAuthenticator({ origin, isSynced: false });
    await stand.register(await stand.create(single, { counter: 0 }));
    const signIns = await Promise.all([1, 2, 3].map(() => stand.signIn(single, { counter: 0 })));
    expect(signIns).toEqual(['accepted', 'accepted', 'accepted']);
  });

  it('takes one of 50 uses of one answer at once', async () => {
    const authenticator = await stand.registered();
    const options = await stand.passkeys.signInOptions(await stand.issue('passkey-sign-in'));
    const answer = stand.answer(authenticator.get(options));
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcomeOf(stand.passkeys.verify(answer))));
    expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1);
  });
});
