import { sign } from 'node:crypto';
import { type HarmlessToken, type HostileToken, type HostileTools, partsOf } from './hostile-tools.js';

/** The order of P-256: r and s have to lie between 1 and this less one. */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The good ES256 token with r and s replaced. */
function withHalves({ goodToken }: HostileTools, change: (r: Buffer, s: Buffer) => readonly Buffer[]): string {
  const [header, claims, signature] = partsOf(goodToken);
  const bytes = Buffer.from(signature, 'base64url');
  const halves = change(bytes.subarray(0, 32), bytes.subarray(32));
  return `${header}.${claims}.${Buffer.concat(halves).toString('base64url')}`;
}

function bytesOf(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
}

function numberOf(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`);
}

const zero = Buffer.alloc(32);

/** Signatures that are wrong in ways only ECDSA has. */
export const oddEcdsaSignatures: readonly HostileToken[] = [
  {
    name: 'ES256: the signature in DER form',
    why: 'RFC 7518 3.4 wants r and s side by side; taking both forms gives each token two texts',
    reason: 'signature',
    make: (tools) => {
      const [header, claims] = partsOf(tools.goodToken);
      const der = sign('sha256', Buffer.from(`${header}.${claims}`), tools.privateKey);
      return `${header}.${claims}.${der.toString('base64url')}`;
    },
  },
  {
    name: 'ES256: r is zero',
    why: 'CVE-2022-21449: with r = 0 a careless check accepts anything',
    reason: 'signature',
    make: (tools) => withHalves(tools, (_, s) => [zero, s]),
  },
  {
    name: 'ES256: s is zero',
    why: 'zero has no inverse',
    reason: 'signature',
    make: (tools) => withHalves(tools, (r) => [r, zero]),
  },
  {
    name: 'ES256: r is the order of the curve',
    why: 'the order is zero in disguise',
    reason: 'signature',
    make: (tools) => withHalves(tools, (_, s) => [bytesOf(order), s]),
  },
  {
    name: 'ES256: s is the order of the curve',
    why: 'the order is zero in disguise',
    reason: 'signature',
    make: (tools) => withHalves(tools, (r) => [r, bytesOf(order)]),
  },
  {
    name: 'ES256: r and s in the other order',
    why: 'they are not the same thing twice',
    reason: 'signature',
    make: (tools) => withHalves(tools, (r, s) => [s, r]),
  },
  {
    name: 'ES256: both halves one byte too long',
    why: 'leading zeros do not change the numbers and must not make a second text of the token',
    reason: 'signature',
    make: (tools) => withHalves(tools, (r, s) => [Buffer.alloc(1), r, Buffer.alloc(1), s]),
  },
  {
    name: 'ES256: the signature as hexadecimal digits',
    why: 'the length is fixed by the algorithm',
    reason: 'signature',
    make: (tools) => withHalves(tools, (r, s) => [Buffer.from(r.toString('hex')), Buffer.from(s.toString('hex'))]),
  },
  {
    name: 'ES256: signed on another curve',
    why: 'a P-384 signature is 96 bytes long and no signature of this key',
    reason: 'signature',
    make: (tools) => {
      const [header, claims] = partsOf(tools.goodToken);
      const signed = Buffer.from(`${header}.${claims}`);
      const signature = sign('sha256', signed, { key: tools.foreign.p384, dsaEncoding: 'ieee-p1363' });
      return `${header}.${claims}.${signature.toString('base64url')}`;
    },
  },
];

/** A signature that is odd and right. */
export const harmlessEcdsaSignatures: readonly HarmlessToken[] = [
  {
    name: 'ES256: s counted from the other end',
    why: 'n - s verifies as well as s; JWS asks for no "low s", so refusing it would refuse half of an issuer\u2019s tokens',
    make: (tools) => withHalves(tools, (r, s) => [r, bytesOf(order - numberOf(s))]),
  },
];
