import { type Clock, readMilliseconds } from '../clock/clock.js';
import { RefusalError } from '../errors/auth-error.js';
import { normalizeTarget, targetOf } from '../dpop/target-uri.js';
import { readProof } from '../dpop/dpop-proof.js';
import { checkProofSignature, checkProofTime } from '../dpop/dpop-proofs.js';
import { logText } from '../telemetry/log-text.js';
import { CheckList, type CheckPlan, type Explanation } from './explanation.js';

/** What is known of the app that receives a proof. */
export interface ProofReceiver {
  readonly clock: Clock;
  /** How far the time of a proof may be from now. */
  readonly proofWindowSeconds: number;
  /** The outside address of the app; `null` where it is not known. */
  readonly publicUrl: string | null;
}

/** Makes those checks of a DPoP proof that need no request. */
export async function explainProof(
  text: string,
  { clock, proofWindowSeconds: windowSeconds, publicUrl }: ProofReceiver,
  withClaims: boolean,
): Promise<Explanation> {
  const list = new CheckList();
  const proof = await list.make(formPlan, () => readProof([text]));
  if (proof !== undefined) {
    const now = readMilliseconds(clock) / 1_000;
    const found = `made ${describeAge(now - proof.iat)} (iat ${logText(proof.iat)})`;
    await list.make({ ...timePlan, found, expected: `within ${String(windowSeconds)} s` }, () => {
      checkProofTime(proof, windowSeconds, now);
    });
    await list.make(signaturePlan, () => {
      checkProofSignature(proof);
    });
    const plan = { ...targetPlan, found: `${logText(proof.htm)} ${logText(proof.htu)}` };
    const outside = publicUrl === null || isBelow(proof.htu, publicUrl) ? null : publicUrl;
    if (outside === null) list.leave(plan, 'The request is not known: compare method and address yourself');
    else {
      await list.make({ ...plan, expected: `an address below publicUrl, which is ${outside}` }, () => {
        throw RefusalError.proof(`Its "htu" is ${logText(proof.htu)}, and publicUrl of the app is ${logText(outside)}`);
      });
    }
    list.leave(bindingPlan, 'The access token, and whether the proof was used before, are known at the request only');
  }
  return list.toExplanation('dpop-proof', withClaims ? (proof?.parsed.claims ?? null) : null);
}

/** Whether a request to the outside address of the app can have this target. */
function isBelow(target: string, publicUrl: string): boolean {
  const base = targetOf(publicUrl, '/');
  return base === undefined || normalizeTarget(target)?.startsWith(base) === true;
}

function describeAge(seconds: number): string {
  const rounded = Math.round(seconds);
  return rounded < 0 ? `${String(-rounded)} s in the future` : `${String(rounded)} s ago`;
}

const formPlan: CheckPlan = {
  id: 'form',
  title: 'Form of the proof',
  expected: 'a JWT of type dpop+jwt with a public key in its header',
  fix: 'Let the client make the proof by a library for DPoP (RFC 9449 §4.2)',
  reason: 'proof',
};

const timePlan: CheckPlan = {
  id: 'time',
  title: 'Time of the proof',
  option: 'AuthModule.forRoot({ dpop: { windowSeconds } })',
  fix: 'Make a new proof for each request, and set the clock of the client by NTP',
  reason: 'proof',
};

const signaturePlan: CheckPlan = {
  id: 'signature',
  title: 'Signature of the proof',
  expected: 'made by the key in its header',
  fix: 'Sign the proof with the private key that belongs to its jwk',
  reason: 'proof',
};

const targetPlan: CheckPlan = {
  id: 'target',
  title: 'Method and address',
  expected: 'those of the request, as its client calls it',
  option: 'AuthModule.forRoot({ publicUrl })',
  fix: 'Behind a proxy, let publicUrl be the address that clients call, with a path that the proxy removes',
  reason: 'proof',
};

const bindingPlan: CheckPlan = {
  id: 'binding',
  title: 'Access token, and first use',
  option: 'AuthModule.forRoot({ dpop })',
  fix: '',
  reason: 'proof',
};
