import { loadPackage } from '../configuration/load-package.js';
import type { StoredPasskey } from './passkey-store.js';

/** A credential that is named in options. */
interface CredentialDescriptor {
  readonly id: string;
  readonly transports: string[];
}

/** What an answer of a browser has to be about. */
interface Expectation {
  readonly response: object;
  readonly expectedChallenge: string;
  readonly expectedOrigin: string[];
  readonly expectedRPID: string;
  readonly requireUserVerification: boolean;
}

/** What is used of `@simplewebauthn/server`. */
interface WebAuthnPackage {
  generateRegistrationOptions(options: {
    readonly rpName: string;
    readonly rpID: string;
    readonly userName: string;
    readonly userID: Uint8Array;
    readonly userDisplayName: string;
    readonly challenge: Uint8Array;
    readonly timeout: number;
    readonly attestationType: 'none';
    readonly excludeCredentials: CredentialDescriptor[];
    readonly authenticatorSelection: { readonly residentKey: 'required'; readonly userVerification: 'required' };
    readonly supportedAlgorithmIDs: number[];
  }): Promise<object>;

  /** Throws for an answer that breaks a rule. */
  verifyRegistrationResponse(
    expectation: Expectation & { readonly supportedAlgorithmIDs: number[] },
  ): Promise<{ readonly verified: boolean; readonly registrationInfo?: RegistrationInfo }>;

  generateAuthenticationOptions(options: {
    readonly rpID: string;
    readonly challenge: Uint8Array;
    readonly timeout: number;
    readonly userVerification: 'required';
    readonly allowCredentials: CredentialDescriptor[];
  }): Promise<object>;

  /** Throws for an answer that breaks a rule. */
  verifyAuthenticationResponse(
    expectation: Expectation & {
      readonly credential: { readonly id: string; readonly publicKey: Uint8Array; readonly counter: number };
    },
  ): Promise<{ readonly verified: boolean; readonly authenticationInfo: AuthenticationInfo }>;
}

/** What an authenticator says of a credential at every use. */
interface BackupFlags {
  readonly credentialDeviceType: StoredPasskey['deviceType'];
  readonly credentialBackedUp: boolean;
}

interface RegistrationInfo extends BackupFlags {
  readonly credential: { readonly id: string; readonly publicKey: Uint8Array; readonly counter: number };
  readonly aaguid: string;
}

interface AuthenticationInfo extends BackupFlags {
  readonly newCounter: number;
}

/** What is used of `@simplewebauthn/server/helpers`. */
interface WebAuthnHelpers {
  decodeAttestationObject(bytes: Uint8Array): { get(name: 'authData'): Uint8Array };
  readonly isoCBOR: { encode(value: Map<string, unknown>): Uint8Array };
}

export interface WebAuthn {
  readonly server: WebAuthnPackage;
  readonly helpers: WebAuthnHelpers;
}

/** How the parts of the package are loaded. */
export interface WebAuthnLoader {
  readonly server: () => Promise<object>;
  readonly helpers: () => Promise<object>;
}

const installed: WebAuthnLoader = {
  server: () => import('@simplewebauthn/server'),
  helpers: () => import('@simplewebauthn/server/helpers'),
};

/** @throws {ConfigurationError} where the package is not installed. */
export async function loadWebAuthn(where: string, load: WebAuthnLoader = installed): Promise<WebAuthn> {
  const missing = { where, name: '@simplewebauthn/server', install: 'npm install @simplewebauthn/server@14' };
  return {
    server: (await loadPackage(load.server, missing)) as WebAuthnPackage,
    helpers: (await loadPackage(load.helpers, missing)) as WebAuthnHelpers,
  };
}
