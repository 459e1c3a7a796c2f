import { DoctorCheck, type DoctorFinding, ok, problem } from '../doctor/doctor-check.js';
import type { DpopTerms } from './dpop-options.js';

interface BoundTokensCheckParts {
  readonly dpop: DpopTerms;
  readonly publicUrl: string | null;
  /** The name of the store of used proofs that the app provides; `null` for the memory of the process. */
  readonly findStoreName: () => string | null;
  /** The header from which the certificate of a client is read; `null` where only its own connection counts. */
  readonly certificateHeader: string | null;
  readonly trustedProxies: readonly string[];
}

/** What is needed for tokens that are bound to a key (DPoP, RFC 9449) or to a certificate (RFC 8705). */
export class BoundTokensDoctorCheck extends DoctorCheck {
  constructor(private readonly parts: BoundTokensCheckParts) {
    super();
  }

  override run(): readonly DoctorFinding[] {
    return [...this.inspectDpop(), ...this.inspectCertificates()];
  }

  private inspectDpop(): readonly DoctorFinding[] {
    const { dpop, publicUrl } = this.parts;
    if (dpop.mode === 'off') return [ok('dpop', 'DPoP is off: tokens that are bound to a key are refused')];
    const store = this.parts.findStoreName();
    const findings: DoctorFinding[] = [];
    if (publicUrl === null) {
      findings.push(
        problem('warn', 'dpop', {
          found:
            'publicUrl is not set: the address in a proof is compared with what the adapter takes for the address of the request',
          expected: 'the address by which clients call the app',
          fix: "Set AuthModule.forRoot({ publicUrl: 'https://api.example.com' }): behind a proxy every proof is refused without",
        }),
      );
    }
    if (store === null) {
      findings.push(
        problem('warn', 'dpop', {
          found: 'used proofs are remembered in the memory of each process: another instance accepts a proof again',
          expected: 'a store that all instances share, unless the app is one process',
          fix: 'Add RedisStoresModule of nest-gatehouse/redis, or provide a DpopReplayStore',
        }),
      );
    }
    if (dpop.nonces?.secret === null) {
      findings.push(
        problem('warn', 'dpop', {
          found: 'nonces are made from random bytes of each process: another instance refuses them',
          expected: 'a secret that all instances share, unless the app is one process',
          fix: "Set dpop: { mode, nonce: true, nonceSecret: process.env.DPOP_NONCE_SECRET }, made by 'openssl rand -base64 32'",
        }),
      );
    }
    if (findings.length > 0) return findings;
    return [ok('dpop', `${dpop.mode}; proofs within ${dpop.windowSeconds} s; used proofs kept by ${store ?? ''}`)];
  }

  private inspectCertificates(): readonly DoctorFinding[] {
    const { certificateHeader, trustedProxies } = this.parts;
    if (certificateHeader === null)
      return [ok('mtls', 'client certificates are those of the connection to the app itself')];
    const from = trustedProxies.join(', ');
    return [ok('mtls', `client certificates are read from ${certificateHeader}, of connections from ${from} alone`)];
  }
}
