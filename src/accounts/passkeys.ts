import { createHash } from 'node:crypto';

import { isRefusal } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import { decodeBase64Url } from '../token/base64url.js';
import { AccountError } from './account-error.js';
import type { FoundAccount } from './account-store.js';
import { askStore } from '../ask-store.js';
import {
  challengeSeconds,
  isObject,
  type PasskeyChallenges,
  type PasskeyResponse,
  refusePasskey,
} from './passkey-challenges.js';
import type { PasskeyTerms } from './passkey-options.js';
import type { PasskeyStore, StoredPasskey } from './passkey-store.js';
import type { WebAuthn } from './webauthn-package.js';

export interface PasskeysParts {
  readonly terms: PasskeyTerms;
  readonly webAuthn: WebAuthn;
  readonly findStore: () => PasskeyStore;
  readonly challenges: PasskeyChallenges;
  /** The account, if it may be signed in to. */
  readonly findAccount: (id: string) => Promise<FoundAccount | null>;
  readonly now: () => Date;
}

/** An answer of a browser to options that it got from here. */
export interface PasskeyAnswer {
  readonly response: PasskeyResponse;
  /** Whether the request proves what the challenge was bound to. */
  readonly isBound: (boundTo: string, challenge: string) => boolean;
}

/** How many passkeys an account may have. */
const mostPasskeys = 20;
/** The algorithms that every browser knows (WebAuthn Level 3 §5.4): Ed25519, ECDSA with P-256, and RSA for Windows. */
const algorithms = [-8, -7, -257];
/** 1,023 bytes (WebAuthn Level 3 §7.1). */
const longestCredentialId = 1_364;
const mostTransports = 10;
/** Fastify takes no longer parameter in a path. Some security keys have credential ids that are longer. */
const longestPathParameter = 100;

/**
 * Registers passkeys and verifies them: credentials of WebAuthn that the authenticator keeps with the account (discoverable), and that
 * its user unlocks. What is wrong with an answer is in the log; to the client each is `INVALID_CREDENTIALS`.
 */
export class Passkeys {
  constructor(private readonly parts: PasskeysParts) {}

  /** The options of `navigator.credentials.create()`. @throws {AccountError} `INVALID_INPUT` for one passkey too many */
  async createOptions(account: FoundAccount, challenge: string): Promise<object> {
    const { terms, webAuthn } = this.parts;
    const known = await this.list(account.id);
    if (known.length >= mostPasskeys) throw tooMany();
    return await webAuthn.server.generateRegistrationOptions({
      rpName: terms.rpName,
      rpID: terms.rpId,
      userName: account.email ?? account.username ?? account.name ?? terms.rpName,
      userID: toUserHandle(account.id),
      userDisplayName: account.name ?? '',
      challenge: Buffer.from(challenge),
      timeout: challengeSeconds * 1_000,
      attestationType: 'none',
      excludeCredentials: known.map(({ credentialId: id, transports }) => ({ id, transports: [...transports] })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs: algorithms,
    });
  }

  /**
   * Verifies what `navigator.credentials.create()` gave, and adds the passkey to the account.
   *
   * @param isAllowed whether the account may still get a passkey; asked afterwards, since what ended the access of this caller in the
   *   meantime has not seen the passkey
   * @throws {RefusalError} `INVALID_CREDENTIALS`; `IDENTITY_TAKEN` for a passkey that is registered already
   */
  async register(
    { id: accountId }: FoundAccount,
    { response, isBound }: PasskeyAnswer,
    { name, isAllowed }: { readonly name: string; readonly isAllowed: () => Promise<boolean> },
  ): Promise<StoredPasskey> {
    const expectedChallenge = await this.parts.challenges.use('passkey-registration', response, isBound);
    const passkey = { ...(await this.verifyNew(response, expectedChallenge)), accountId, name };
    if (!(await this.ask((store) => store.create(passkey)))) {
      throw AccountError.because(
        'IDENTITY_TAKEN',
        'The passkey is registered already',
        'The passkey is registered already',
      );
    }
    const isOneTooMany = (await this.list(accountId)).length > mostPasskeys;
    if (!isOneTooMany && (await isAllowed())) return passkey;
    await this.ask((store) => store.remove(accountId, passkey.credentialId));
    throw isOneTooMany ? tooMany() : refusePasskey('The session has ended, or the account was disabled, meanwhile');
  }

  /** The options of `navigator.credentials.get()`, for any account. */
  signInOptions(challenge: string): Promise<object> {
    const { terms, webAuthn } = this.parts;
    return webAuthn.server.generateAuthenticationOptions({
      rpID: terms.rpId,
      challenge: Buffer.from(challenge),
      timeout: challengeSeconds * 1_000,
      userVerification: 'required',
      allowCredentials: [],
    });
  }

  /**
   * Verifies what `navigator.credentials.get()` gave, and records the use.
   *
   * @throws {RefusalError} `INVALID_CREDENTIALS`
   */
  async verify({ response, isBound }: PasskeyAnswer): Promise<{ account: FoundAccount; passkey: StoredPasskey }> {
    const expectedChallenge = await this.parts.challenges.use('passkey-sign-in', response, isBound);
    const passkey = await this.find(response['id']);
    if (passkey === null) throw refusePasskey('There is no passkey with this id');
    checkUserHandle(response, passkey);
    const { deviceType, counter } = passkey;
    // Copies of a passkey that is synced count on their own, or not at all, so that no counter says anything.
    const isCounted = deviceType === 'singleDevice';
    const { verified, authenticationInfo } = await judge(() =>
      this.parts.webAuthn.server.verifyAuthenticationResponse({
        ...this.expect(response, expectedChallenge),
        credential: {
          id: passkey.credentialId,
          publicKey: Uint8Array.from(passkey.publicKey),
          counter: isCounted ? counter : 0,
        },
      }),
    );
    if (!verified) throw refusePasskey('The signature does not verify');
    if (authenticationInfo.credentialDeviceType !== deviceType) {
      throw refusePasskey('Whether it may be copied is not what it was (WebAuthn Level 3 §7.2)');
    }
    const account = await this.parts.findAccount(passkey.accountId);
    if (account === null)
      throw refusePasskey('Its account is disabled, waits for its address to be verified, or is gone');
    const { newCounter, credentialBackedUp } = authenticationInfo;
    const use = { counter: newCounter, backedUp: credentialBackedUp, lastUsedAt: this.parts.now() };
    const isNoted = await this.ask((store) => store.noteUse(passkey.credentialId, use, isCounted ? counter : null));
    if (!isNoted) throw refusePasskey('It was used or removed at the same moment');
    return { account, passkey };
  }

  /** The passkey with this id; `null` also for what is no id. */
  async find(credentialId: unknown): Promise<StoredPasskey | null> {
    if (typeof credentialId !== 'string' || credentialId.length > longestCredentialId) return null;
    return await this.ask((store) => store.find(credentialId));
  }

  /** In the order of their creation. */
  list(accountId: string): Promise<readonly StoredPasskey[]> {
    return this.ask((store) => store.listOfAccount(accountId));
  }

  /**
   * Removes a passkey of an account.
   *
   * @param id as `toPasskeyId` gives it
   * @param canSignIn whether the account can still be signed in to, without the passkey that is named if there is one
   * @throws {AccountError} `NOT_FOUND`, or `LAST_SIGN_IN_METHOD`
   */
  async removeUnlessLast(
    accountId: string,
    id: string,
    canSignIn: (withoutPasskey?: string) => Promise<boolean>,
  ): Promise<void> {
    const passkey = (await this.list(accountId)).find((known) => toPasskeyId(known) === id);
    if (passkey === undefined) throw AccountError.because('NOT_FOUND', 'The account has no such passkey');
    const { credentialId } = passkey;
    if (!(await canSignIn(credentialId))) throw isLast();
    await this.ask((store) => store.remove(accountId, credentialId));
    // Looked at again: two requests that remove one of two ways each would both see the other one.
    if (await canSignIn()) return;
    await this.ask((store) => store.create(passkey));
    throw isLast();
  }

  private async verifyNew(
    response: PasskeyResponse,
    expectedChallenge: string,
  ): Promise<Omit<StoredPasskey, 'accountId' | 'name'>> {
    const { server } = this.parts.webAuthn;
    const { verified, registrationInfo: info } = await judge(() =>
      server.verifyRegistrationResponse({
        ...this.expect(this.withoutAttestation(response), expectedChallenge),
        supportedAlgorithmIDs: algorithms,
      }),
    );
    if (!verified || info === undefined) throw refusePasskey('It does not verify');
    const { credential, aaguid, credentialDeviceType: deviceType, credentialBackedUp: backedUp } = info;
    if (credential.id.length > longestCredentialId) throw refusePasskey('Its id is too long');
    return {
      credentialId: credential.id,
      publicKey: credential.publicKey,
      counter: credential.counter,
      transports: readTransports(response),
      deviceType,
      backedUp,
      aaguid,
      createdAt: this.parts.now(),
      lastUsedAt: null,
    };
  }

  /**
   * Drops what the authenticator says of itself. It is not asked for, and to verify it the package would fetch lists of revoked
   * certificates over the network.
   */
  private withoutAttestation(response: PasskeyResponse): PasskeyResponse {
    const { helpers } = this.parts.webAuthn;
    const answer = isObject(response['response']) ? response['response'] : {};
    const text = answer['attestationObject'];
    const bytes = typeof text === 'string' ? decodeBase64Url(text) : undefined;
    if (bytes === undefined) throw refusePasskey('It has no attestation object');
    const authData = helpers.decodeAttestationObject(Uint8Array.from(bytes)).get('authData');
    const stripped = helpers.isoCBOR.encode(
      new Map<string, unknown>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]),
    );
    return { ...response, response: { ...answer, attestationObject: Buffer.from(stripped).toString('base64url') } };
  }

  private expect(response: PasskeyResponse, expectedChallenge: string) {
    const { rpId, origins } = this.parts.terms;
    return {
      response,
      expectedChallenge,
      expectedOrigin: [...origins],
      expectedRPID: rpId,
      requireUserVerification: true,
    };
  }

  private ask<Result>(call: (store: PasskeyStore) => Promise<Result>): Promise<Result> {
    return askStore('of the passkeys', () => call(this.parts.findStore()));
  }
}

/** The id of a passkey in answers and paths: that of the credential, or its SHA-256 where it is too long for a path. */
export function toPasskeyId({ credentialId }: StoredPasskey): string {
  if (credentialId.length <= longestPathParameter) return credentialId;
  return createHash('sha256').update(credentialId).digest('base64url');
}

/** Calls the package, which reads what the client sent, asks nobody, and throws whatever is wrong with it. */
async function judge<Result>(verify: () => Promise<Result>): Promise<Result> {
  try {
    return await verify();
  } catch (error) {
    if (isRefusal(error)) throw error;
    throw refusePasskey(logText(error instanceof Error ? error.message : 'It cannot be read'));
  }
}

/** What the authenticator keeps with the passkey, to name the account: the bytes of its UUID, which say nothing of its user. */
function toUserHandle(accountId: string): Uint8Array {
  return Uint8Array.from(Buffer.from(accountId.replaceAll('-', ''), 'hex'));
}

/** WebAuthn Level 3 §7.2: a passkey that is found without a login has to say whose it is. */
function checkUserHandle({ response }: PasskeyResponse, { accountId }: StoredPasskey): void {
  const handle = isObject(response) ? response['userHandle'] : undefined;
  const bytes = typeof handle === 'string' ? decodeBase64Url(handle) : undefined;
  if (bytes?.equals(toUserHandle(accountId)) !== true) throw refusePasskey('It is of another account');
}

function readTransports({ response }: PasskeyResponse): readonly string[] {
  const given = isObject(response) ? response['transports'] : undefined;
  if (!Array.isArray(given)) return [];
  return given
    .filter((transport): transport is string => typeof transport === 'string' && /^[a-z-]{1,32}$/.test(transport))
    .slice(0, mostTransports);
}

function tooMany(): AccountError {
  return AccountError.fields([{ path: '', message: `an account has at most ${mostPasskeys} passkeys` }]);
}

function isLast(): AccountError {
  return AccountError.because('LAST_SIGN_IN_METHOD', 'The account has no password, no identity and no other passkey');
}
