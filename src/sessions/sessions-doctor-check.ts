import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import { isAuthError, isConfigurationError } from '../errors/auth-error.js';
import { maySign, retirementOf } from '../issuing/key-rotation.js';
import { PrivateKeys } from '../issuing/private-keys.js';
import type { StoredSigningKey } from '../issuing/signing-key-store.js';
import type { SigningKeys } from '../issuing/signing-keys.js';
import type { TokenSource } from '../request/token-sources.js';
import { readsCookie } from './session-cookies.js';
import type { SessionTerms } from './session-options.js';
import type { SessionStores } from './session-stores.js';

export interface SessionsDoctorCheckParts {
  readonly terms: SessionTerms;
  readonly stores: SessionStores;
  /** Those of `SessionsModule`, which another module of the app may replace. */
  readonly stored: SigningKeys;
  readonly findSources: () => readonly TokenSource[];
}

/** The stores, the cookies and the signing keys of sessions. It creates no key. */
export class SessionsDoctorCheck extends DoctorCheck {
  constructor(private readonly parts: SessionsDoctorCheckParts) {
    super();
  }

  override async run(context: DoctorContext): Promise<readonly DoctorFinding[]> {
    const { stores, stored, terms } = this.parts;
    // What is missing is thrown, and reported as a wrong option.
    stores.check(stored);
    const delivery = ok('sessions', `delivered by ${terms.delivery.join(', ')}; issuer ${terms.issuer}`);
    return [delivery, ...this.inspectCookies(), await this.inspectKeys(context)];
  }

  private inspectCookies(): readonly DoctorFinding[] {
    const { terms, findSources } = this.parts;
    const { delivery, cookies, publicUrl } = terms;
    if (!delivery.includes('cookies')) return [];
    const findings: DoctorFinding[] = [];
    if (!readsCookie(findSources(), cookies.accessName)) {
      findings.push(
        problem('fail', 'session-cookies', {
          found: 'SessionsModule delivers cookies, and guarded routes do not read the access token from its cookie',
          expected: 'a token source for the cookie',
          fix: "Add fromSessionCookie() to AuthModule.forRoot({ tokenFrom }), or set delivery: ['body']",
        }),
      );
    }
    if (cookies.domain !== null) {
      findings.push(
        problem('warn', 'session-cookies', {
          found: `cookies are sent to all hosts of ${cookies.domain}, and each of them can replace them`,
          expected: 'cookies of one host',
          fix: 'Leave cookies: { domain } out if one host is enough',
        }),
      );
    }
    return findings.length > 0 ? findings : [ok('session-cookies', `cookies of ${publicUrl}, read by guarded routes`)];
  }

  private async inspectKeys({ offline, now }: DoctorContext): Promise<DoctorFinding> {
    const { stores, stored } = this.parts;
    if (offline) return skipped('signing-keys', 'the doctor runs --offline');
    if (stores.findSigningKeys(stored) !== stored)
      return skipped('signing-keys', 'the app has signing keys of its own');
    try {
      return this.describeKeys(await stores.findSigningKeyStore().list(), now().getTime());
    } catch (error) {
      // A database that is behind or not there yet is what the check of the database is about.
      if (isConfigurationError(error)) return skipped('signing-keys', error.explanation);
      return skipped('signing-keys', isAuthError(error) ? error.explanation : 'their store did not answer');
    }
  }

  private describeKeys(keys: readonly StoredSigningKey[], now: number): DoctorFinding {
    const { rotateEverySeconds, algorithm } = this.parts.terms;
    const sorted = keys
      .toSorted((one, other) => one.sequence - other.sequence)
      .map((key) => ({ ...key, signsFromMs: key.signsFrom.getTime() }));
    const signer = sorted.findLast((key) => maySign({ ...key, retiredAtMs: retirementOf(key.sequence, sorted) }, now));
    if (signer === undefined) {
      return ok('signing-keys', `there is none yet: the app creates the first (${algorithm}) when it needs it`);
    }
    if (!this.canDecrypt(signer)) {
      return problem('fail', 'signing-keys', {
        found: 'the key that signs cannot be decrypted with the encryption keys of the app',
        expected: 'the encryption key with which it was stored',
        fix: 'Set GATEHOUSE_ENCRYPTION_KEY to the former key, or list both. The app would sign with a new key, and the former sessions end',
      });
    }
    const next = sorted.find(({ signsFromMs }) => signsFromMs > now);
    const due = next?.signsFromMs ?? signer.signsFromMs + rotateEverySeconds * 1_000;
    return ok(
      'signing-keys',
      `${sorted.length} stored; ${signer.algorithm} signs since ${dayOf(signer.signsFromMs)}, the next one from ${dayOf(due)}`,
    );
  }

  private canDecrypt({ kid, algorithm, sealedPrivateKey }: StoredSigningKey): boolean {
    const keys = new PrivateKeys(this.parts.stores.findEncryptionKeys, () => undefined);
    return keys.canSign({ kid, algorithm }, sealedPrivateKey);
  }
}

function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}
