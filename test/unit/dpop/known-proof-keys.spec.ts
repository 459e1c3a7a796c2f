import { describe, expect, it } from 'vitest';
import { type DpopProof, KnownProofKeys, readProof } from '../../../src/dpop/dpop-proof.js';
import { DpopProofs } from '../../../src/dpop/dpop-proofs.js';
import { readDpopOptions } from '../../../src/dpop/dpop-options.js';
import { isAuthError } from '../../../src/errors/auth-error.js';
import { viewHttpRequest } from '../../../src/request/request-view.js';
import { DpopKey, type ProofParts } from '../../support/dpop-key.js';
import { ManualClock } from '../../support/manual-clock.js';

const base = 'https://api.example.com';
const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';
const clock = new ManualClock();

function open(): DpopProofs {
  const terms = readDpopOptions('forRoot({ dpop })', 'accept');
  const proofs = new DpopProofs({ terms, clock, report: () => {}, findBase: () => base, findStore: () => null });
  proofs.onModuleInit();
  return proofs;
}

const proofOf = (by: DpopKey, parts: Partial<ProofParts> = {}): string =>
  by.proof({ url: `${base}/cats`, token, at: clock.now(), ...parts });

async function verdictOf(proofs: DpopProofs, text: string): Promise<string> {
  const request = viewHttpRequest({ method: 'GET', url: '/cats', headers: { dpop: text }, rawHeaders: ['DPoP', text] });
  try {
    await proofs.use(proofs.read(request), request, { accessToken: token, at: 'resource-server' });
    return 'accepted';
  } catch (error) {
    if (!isAuthError(error)) throw error;
    return error.explanation;
  }
}

const withParts = (from: string, others: string): string =>
  [from.split('.')[0], ...others.split('.').slice(1)].join('.');

describe('a client whose key is known from an earlier proof', () => {
  const client = new DpopKey();
  const stranger = new DpopKey();

  async function openKnowing(): Promise<DpopProofs> {
    const proofs = open();
    expect(await verdictOf(proofs, proofOf(client))).toBe('accepted');
    return proofs;
  }

  it('passes with each new proof, and its proofs carry the same thumbprint', async () => {
    const proofs = await openKnowing();
    expect(await verdictOf(proofs, proofOf(client))).toBe('accepted');
    const text = proofOf(client);
    const request = viewHttpRequest({ method: 'GET', url: '/', headers: { dpop: text }, rawHeaders: ['DPoP', text] });
    expect(proofs.read(request).jkt).toBe(client.jkt);
  });

  it('is judged by each proof: signature, claims and header', async () => {
    const proofs = await openKnowing();
    const used = proofOf(client);
    expect(await verdictOf(proofs, used)).toBe('accepted');
    expect(await verdictOf(proofs, used)).toContain('used before');
    const ofStranger = proofOf(stranger, { header: { jwk: client.jwk } });
    expect(await verdictOf(proofs, ofStranger)).toContain('signature does not verify');
    expect(await verdictOf(proofs, withParts(proofOf(client), proofOf(stranger)))).toContain(
      'signature does not verify',
    );
    expect(await verdictOf(proofs, proofOf(client, { header: { typ: 'JWT' } }))).toContain('"typ"');
    expect(await verdictOf(proofs, proofOf(client, { header: { alg: 'ES384' } }))).toContain(
      'does not go with its "alg"',
    );
    expect(await verdictOf(proofs, proofOf(client, { method: 'POST' }))).toContain('"htm"');
  });
});

describe('known keys', () => {
  const proofWith = (encodedHeader: string): DpopProof => {
    const proof = readProof([proofOf(new DpopKey('EdDSA'))]);
    return { ...proof, parsed: { ...proof.parsed, encodedHeader } };
  };

  it('are found by the very same header only', () => {
    const keys = new KnownProofKeys();
    const proof = proofWith('eyJhbGciOiJFUzI1NiJ9');
    keys.add(proof);
    expect(keys.find('eyJhbGciOiJFUzI1NiJ9')).toMatchObject({ jkt: proof.jkt, algorithm: 'EdDSA' });
    expect(keys.find('eyJhbGciOiJFUzI1NiJ8')).toBeUndefined();
  });

  it('are at most 5,000, of which the oldest goes first', () => {
    const keys = new KnownProofKeys();
    const proof = proofWith('0');
    for (let at = 0; at <= 5_000; at += 1)
      keys.add({ ...proof, parsed: { ...proof.parsed, encodedHeader: String(at) } });
    expect(keys.find('0')).toBeUndefined();
    expect(keys.find('1')).toBeDefined();
    expect(keys.find('5000')).toBeDefined();
  });
});
