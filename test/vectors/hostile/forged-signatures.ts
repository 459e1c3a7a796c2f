import { constants, createHmac, sign } from 'node:crypto';
import { encode, type HostileToken, type HostileTools, partsOf } from './hostile-tools.js';

/** A token whose third part is made from what comes before it. */
function signedBy(tools: HostileTools, header: object, signer: (signed: Buffer) => Buffer): string {
  const signed = `${encode({ ...header })}.${encode(tools.claims())}`;
  return `${signed}.${signer(Buffer.from(signed)).toString('base64url')}`;
}

/** The good token with another signature. */
function resigned({ goodToken }: HostileTools, change: (signature: Buffer) => Buffer): string {
  const [header, claims, signature] = partsOf(goodToken);
  return `${header}.${claims}.${change(Buffer.from(signature, 'base64url')).toString('base64url')}`;
}

function hmacWith(tools: HostileTools, secret: string | Buffer): string {
  return signedBy(tools, tools.header({ alg: 'HS256' }), (signed) =>
    createHmac('sha256', secret).update(signed).digest(),
  );
}

const unsigned: readonly HostileToken[] = ['none', 'None', 'NONE', 'nOnE'].flatMap((alg): HostileToken[] => [
  {
    name: `alg ${alg}, no signature`,
    why: 'an unsecured token (RFC 7515 A.5) is anybody\u2019s; a check against the lower-case word alone misses the others',
    reason: 'algorithm',
    make: (tools) => `${encode(tools.header({ alg }))}.${encode(tools.claims())}.`,
  },
  {
    name: `alg ${alg}, with a signature`,
    why: 'the signature is good, and still the header says that there is none to check',
    reason: 'algorithm',
    make: (tools) => tools.sign(tools.header({ alg }), tools.claims()),
  },
]);

const swappedAlgorithms: readonly HostileToken[] = [
  ...(['RS256', 'ES256', 'EdDSA'] as const).flatMap((algorithm): HostileToken[] => [
    {
      name: `HS256 keyed with the PEM of the ${algorithm} key`,
      why: 'algorithm confusion: what is public becomes the shared secret',
      reason: 'algorithm',
      algorithm,
      make: (tools) => hmacWith(tools, tools.issuer.publicKeyPem),
    },
    {
      name: `HS256 keyed with the JWK of the ${algorithm} key`,
      why: 'algorithm confusion with the text of the key set',
      reason: 'algorithm',
      algorithm,
      make: (tools) => hmacWith(tools, JSON.stringify(tools.issuer.publicKey)),
    },
  ]),
  {
    name: 'HS256 keyed with nothing',
    why: 'a missing secret must not become an empty one',
    reason: 'algorithm',
    make: (tools) => hmacWith(tools, ''),
  },
  {
    name: 'PS256 by an RS256 key',
    why: 'the signature is good RSASSA-PSS by the issuer\u2019s own key, whose "alg" allows only PKCS #1',
    reason: 'algorithm',
    algorithm: 'RS256',
    make: (tools) =>
      signedBy(tools, tools.header({ alg: 'PS256' }), (signed) =>
        sign('sha256', signed, { key: tools.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
      ),
  },
  {
    name: 'RS256 by a PS256 key',
    why: 'a key that is for PSS must not verify the weaker padding',
    reason: 'algorithm',
    algorithm: 'PS256',
    make: (tools) =>
      signedBy(tools, tools.header({ alg: 'RS256' }), (signed) => sign('sha256', signed, tools.privateKey)),
  },
  {
    name: 'RS512 by an RS256 key',
    why: 'the key\u2019s own "alg" narrows the hash as well',
    reason: 'algorithm',
    algorithm: 'RS256',
    make: (tools) =>
      signedBy(tools, tools.header({ alg: 'RS512' }), (signed) => sign('sha512', signed, tools.privateKey)),
  },
  {
    name: 'RS256 by an RS256 key, announced as PS256',
    why: 'the header, not the signature, is what does not fit the key',
    reason: 'algorithm',
    algorithm: 'RS256',
    make: (tools) => tools.sign(tools.header({ alg: 'PS256' }), tools.claims()),
  },
  {
    name: 'ES384 announced for a P-256 key',
    why: 'the curve decides the algorithm (RFC 7518 3.4)',
    reason: 'algorithm',
    make: (tools) => tools.sign(tools.header({ alg: 'ES384' }), tools.claims()),
  },
  {
    name: 'ES256 announced for a P-384 key',
    why: 'the same the other way round; the signature is even a good one over SHA-256',
    reason: 'algorithm',
    algorithm: 'ES384',
    make: (tools) =>
      signedBy(tools, tools.header({ alg: 'ES256' }), (signed) =>
        sign('sha256', signed, { key: tools.privateKey, dsaEncoding: 'ieee-p1363' }),
      ),
  },
  {
    name: 'EdDSA announced for an EC key',
    why: 'the key type decides the algorithm',
    reason: 'algorithm',
    make: (tools) => tools.sign(tools.header({ alg: 'EdDSA' }), tools.claims()),
  },
  ...['ES256K', 'RS1', 'RSA-OAEP', 'es256', 'ES256 ', '', 'toString', '__proto__', 'constructor'].map(
    (alg): HostileToken => ({
      name: `alg ${JSON.stringify(alg)}`,
      why: 'only the names on the list are algorithms, spelled as they are; members of every object are not on it',
      reason: 'algorithm',
      make: (tools) => tools.sign(withOwnAlg(tools, alg), tools.claims()),
    }),
  ),
];

function withOwnAlg(tools: HostileTools, alg: string): string {
  return JSON.stringify(tools.header({ alg }));
}

const forged: readonly HostileToken[] = [
  {
    name: 'signed by a stranger under the issuer\u2019s kid',
    why: 'a kid is a name and proves nothing',
    reason: 'signature',
    make: (tools) => tools.forge(tools.header(), tools.claims()),
  },
  {
    name: 'signed by a stranger without a kid',
    why: 'that one key fits does not make the signature its own',
    reason: 'signature',
    make: (tools) => tools.forge(tools.header({ kid: undefined }), tools.claims()),
  },
  {
    name: 'PSS with a salt of another length',
    why: 'RFC 7518 3.5: the salt is as long as the hash; "any" would accept what other verifiers refuse',
    reason: 'signature',
    algorithm: 'PS256',
    make: (tools) =>
      signedBy(tools, tools.header(), (signed) =>
        sign('sha256', signed, { key: tools.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 20 }),
      ),
  },
  {
    name: 'RS256 over the wrong hash',
    why: 'the hash is the announced one and not the one inside the signature',
    reason: 'signature',
    algorithm: 'RS256',
    make: (tools) => signedBy(tools, tools.header(), (signed) => sign('sha1', signed, tools.privateKey)),
  },
  {
    name: 'claims of one good token under the signature of another',
    why: 'the signature covers the claims',
    reason: 'signature',
    make: (tools) => {
      const [header, , signature] = partsOf(tools.goodToken);
      const [, claims] = partsOf(tools.sign(tools.header(), tools.claims({ sub: 'mallory' })));
      return `${header}.${claims}.${signature}`;
    },
  },
  {
    name: 'header of one good token before the rest of another',
    why: 'the signature covers the header',
    reason: 'signature',
    make: (tools) => {
      const [, claims, signature] = partsOf(tools.goodToken);
      return `${encode(tools.header({ typ: 'at+jwt' }))}.${claims}.${signature}`;
    },
  },
  ...(['RS256', 'PS256', 'ES256', 'EdDSA'] as const).flatMap((algorithm): HostileToken[] => [
    {
      name: `${algorithm}: one bit of the signature turned`,
      why: 'the least change must tell',
      reason: 'signature',
      algorithm,
      make: (tools) =>
        resigned(tools, (signature) => Buffer.from(signature.map((byte, at) => (at === 20 ? byte ^ 1 : byte)))),
    },
    {
      name: `${algorithm}: last byte of the signature cut off`,
      why: 'a shorter signature is another one',
      reason: 'signature',
      algorithm,
      make: (tools) => resigned(tools, (signature) => signature.subarray(0, -1)),
    },
    {
      name: `${algorithm}: a zero byte behind the signature`,
      why: 'nothing may follow the signature, or one token has many texts',
      reason: 'signature',
      algorithm,
      make: (tools) => resigned(tools, (signature) => Buffer.concat([signature, Buffer.alloc(1)])),
    },
    {
      name: `${algorithm}: a zero byte before the signature`,
      why: 'a number with a leading zero is the same number and not the same signature',
      reason: 'signature',
      algorithm,
      make: (tools) => resigned(tools, (signature) => Buffer.concat([Buffer.alloc(1), signature])),
    },
    {
      name: `${algorithm}: a signature of zeros`,
      why: 'zero is a fixed point of RSA, and the "psychic" signature of ECDSA (CVE-2022-21449)',
      reason: 'signature',
      algorithm,
      make: (tools) => resigned(tools, (signature) => Buffer.alloc(signature.length)),
    },
    {
      name: `${algorithm}: a signature of one byte`,
      why: 'no length may make the check throw anything else',
      reason: 'signature',
      algorithm,
      make: (tools) => resigned(tools, () => Buffer.from([1])),
    },
  ]),
];

/** Tokens that were not signed by anybody entitled to, or not with that algorithm. */
export const forgedSignatures: readonly HostileToken[] = [...unsigned, ...swappedAlgorithms, ...forged];
