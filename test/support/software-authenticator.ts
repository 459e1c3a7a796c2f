import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** What an authenticator and a browser are asked to do in another way than they should. */
export interface CeremonyChanges {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly isPresent?: boolean;
  readonly isVerified?: boolean;
  readonly isBackedUp?: boolean;
  readonly isBackupEligible?: boolean;
  readonly counter?: number;
  readonly userHandle?: string | null;
  /** One that there is already, in the place of a new one. */
  readonly credential?: Pick<SoftwareCredential, 'id' | 'privateKey'>;
  /** `fmt` and `attStmt` of the attestation object. */
  readonly attestation?: readonly [format: string, statement: CborValue];
}

export interface AuthenticatorOptions {
  readonly origin: string;
  readonly algorithm?: 'ES256' | 'EdDSA' | 'RS256';
  /** Whether its credentials may be copied to other devices. Those do not count. @defaultValue true */
  readonly isSynced?: boolean;
  readonly credentialIdBytes?: number;
}

/** A credential as an authenticator keeps it. */
export interface SoftwareCredential {
  readonly id: string;
  readonly rpId: string;
  readonly userHandle: string;
  readonly privateKey: KeyObject;
  counter: number;
}

interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id: string };
  readonly user: { readonly id: string };
}

interface RequestOptions {
  readonly challenge: string;
  readonly rpId: string;
}

/** What `PublicKeyCredential.toJSON()` gives. */
export interface CredentialJson {
  readonly id: string;
  readonly rawId: string;
  readonly type: string;
  readonly response: Readonly<Record<string, unknown>>;
  readonly clientExtensionResults: object;
}

/** A browser with an authenticator, without windows: one credential, whose key is a real one (WebAuthn Level 3 §6). */
export class SoftwareAuthenticator {
  credential: SoftwareCredential | undefined;

  constructor(private readonly options: AuthenticatorOptions) {}

  /** `navigator.credentials.create()` */
  create(options: object, changes: CeremonyChanges = {}): CredentialJson {
    const { challenge, rp, user } = options as CreationOptions;
    const { rpId = rp.id, counter = this.options.isSynced === false ? 1 : 0 } = changes;
    const { id, privateKey } = changes.credential ?? this.createKey();
    this.credential = { id, rpId, userHandle: user.id, privateKey, counter };
    const idBytes = Buffer.from(id, 'base64url');
    const idLength = Buffer.alloc(2);
    idLength.writeUInt16BE(idBytes.length);
    const head = this.writeHead(rpId, counter, changes, true);
    const authData = Buffer.concat([head, Buffer.alloc(16), idLength, idBytes, toCoseKey(privateKey)]);
    const [format, statement] = changes.attestation ?? ['none', new Map()];
    const attestationObject = encodeCbor(
      new Map<string, CborValue>([
        ['fmt', format],
        ['attStmt', statement],
        ['authData', authData],
      ]),
    );
    return toJson(id, {
      clientDataJSON: this.writeClientData('webauthn.create', challenge, changes).toString('base64url'),
      attestationObject: attestationObject.toString('base64url'),
      transports: ['internal'],
    });
  }

  /** `navigator.credentials.get()` */
  get(options: object, changes: CeremonyChanges = {}): CredentialJson {
    const { challenge, rpId } = options as RequestOptions;
    const { credential } = this;
    if (credential === undefined) throw new Error('The authenticator has no credential');
    if (this.options.isSynced === false) credential.counter += 1;
    const authData = this.writeHead(changes.rpId ?? rpId, changes.counter ?? credential.counter, changes, false);
    const clientData = this.writeClientData('webauthn.get', challenge, changes);
    const signed = Buffer.concat([authData, createHash('sha256').update(clientData).digest()]);
    const userHandle = changes.userHandle === undefined ? credential.userHandle : changes.userHandle;
    return toJson(credential.id, {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authData.toString('base64url'),
      signature: signWith(credential.privateKey, signed).toString('base64url'),
      ...(userHandle !== null && { userHandle }),
    });
  }

  /** The same credential in a second authenticator, with the counter as it is now. */
  clone(): SoftwareAuthenticator {
    const copy = new SoftwareAuthenticator(this.options);
    if (this.credential !== undefined) copy.credential = { ...this.credential };
    return copy;
  }

  private createKey(): Pick<SoftwareCredential, 'id' | 'privateKey'> {
    const { algorithm = 'ES256', credentialIdBytes = 32 } = this.options;
    return { id: randomBytes(credentialIdBytes).toString('base64url'), privateKey: generatePrivateKey(algorithm) };
  }

  private writeHead(rpId: string, counter: number, changes: CeremonyChanges, hasKey: boolean): Buffer {
    const { isSynced = true } = this.options;
    const { isPresent = true, isVerified = true, isBackupEligible = isSynced, isBackedUp = isSynced } = changes;
    const head = Buffer.alloc(37);
    createHash('sha256').update(rpId).digest().copy(head);
    const flags = [isPresent, false, isVerified, isBackupEligible, isBackedUp, false, hasKey];
    head.writeUInt8(
      flags.reduce((sum, flag, bit) => sum + (flag ? 2 ** bit : 0), 0),
      32,
    );
    head.writeUInt32BE(counter, 33);
    return head;
  }

  private writeClientData(type: string, challenge: string, changes: CeremonyChanges): Buffer {
    const { crossOrigin = false } = changes;
    return Buffer.from(
      JSON.stringify({
        type: changes.type ?? type,
        challenge: changes.challenge ?? challenge,
        origin: changes.origin ?? this.options.origin,
        crossOrigin,
      }),
    );
  }
}

function toJson(id: string, response: Readonly<Record<string, unknown>>): CredentialJson {
  return { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} };
}

function signWith(privateKey: KeyObject, data: Buffer): Buffer {
  return sign(privateKey.asymmetricKeyType === 'ed25519' ? null : 'sha256', data, privateKey);
}

/** The public key as COSE has it (RFC 9053 §7). */
function toCoseKey(privateKey: KeyObject): Buffer {
  const { kty, x, y, n, e } = privateKey.export({ format: 'jwk' });
  const part = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  if (kty === 'OKP') return toCoseMap([1, 1], [3, -8], [-1, 6], [-2, part(x)]);
  if (kty === 'RSA') return toCoseMap([1, 3], [3, -257], [-1, part(n)], [-2, part(e)]);
  return toCoseMap([1, 2], [3, -7], [-1, 1], [-2, part(x)], [-3, part(y)]);
}

function toCoseMap(...members: readonly (readonly [number, CborValue])[]): Buffer {
  return encodeCbor(new Map(members));
}

function generatePrivateKey(algorithm: 'ES256' | 'EdDSA' | 'RS256'): KeyObject {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519').privateKey;
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export type CborValue = number | string | Buffer | readonly CborValue[] | ReadonlyMap<string | number, CborValue>;

/** CBOR (RFC 8949), as much of it as there is in what authenticators say. */
function encodeCbor(value: CborValue): Buffer {
  if (typeof value === 'number') return value < 0 ? cborHead(1, -1 - value) : cborHead(0, value);
  if (typeof value === 'string') return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([cborHead(2, value.length), value]);
  if (isMap(value)) {
    const members = [...value].flatMap(([name, member]) => [encodeCbor(name), encodeCbor(member)]);
    return Buffer.concat([cborHead(5, value.size), ...members]);
  }
  return Buffer.concat([cborHead(4, value.length), ...value.map(encodeCbor)]);
}

function isMap(value: CborValue): value is ReadonlyMap<string | number, CborValue> {
  return value instanceof Map;
}

function cborHead(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([major * 32 + argument]);
  const [info, bytes] = argument < 256 ? [24, 1] : [25, 2];
  const head = Buffer.alloc(1 + bytes, major * 32 + info);
  head.writeUIntBE(argument, 1, bytes);
  return head;
}
