import { type Clock, readMilliseconds } from '../clock/clock.js';
import { readProof } from '../dpop/dpop-proof.js';
import { checkProofSignature, checkProofTime } from '../dpop/dpop-proofs.js';
import { logText } from '../telemetry/log-text.js';
import { CheckList, type CheckPlan, type Explanation } from './explanation.js';

/** Makes those checks of a DPoP proof that need no request. */
export async function explainProof(
  text: string,
  clock: Clock,
  windowSeconds: number,
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
    const target = `${logText(proof.htm)} ${logText(proof.htu)}`;
    list.leave({ ...targetPlan, found: target }, 'The request is not known: compare method and address yourself');
    list.leave(bindingPlan, 'The access token, and whether the proof was used before, are known at the request only');
  }
  return list.toExplanation('dpop-proof', withClaims ? (proof?.parsed.claims ?? null) : null);
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
  fix: 'Behind a proxy, set publicUrl',
  reason: 'proof',
};

const bindingPlan: CheckPlan = {
  id: 'binding',
  title: 'Access token, and first use',
  option: 'AuthModule.forRoot({ dpop })',
  fix: '',
  reason: 'proof',
};
