import type { JwsVector } from './jws-vector.js';

/** RFC 7797, section 4.2: `b64` is false and `crit` says so. Whoever does not know it has to refuse it. */
export const rfc7797Vectors: readonly JwsVector[] = [
  {
    from: 'RFC 7797 4.2',
    algorithm: 'HS256',
    key: {
      kty: 'oct',
      k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
    },
    token: 'eyJhbGciOiJIUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il19..A5dxf2s96_n5FLueVuW1Z_vh161FwXZC4YLPff6dmDY',
    detachedPayload: '$.02',
  },
];
