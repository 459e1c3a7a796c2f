import type { KeyObject } from 'node:crypto';

import type { Algorithm } from './algorithm.js';

/** One key of an issuer, ready to check signatures with. */
export interface VerificationKey {
  /** The name that tokens call it by; `null` for a key that has none. */
  readonly kid: string | null;
  /** What it may verify: by its type, its curve and its own `alg`. */
  readonly algorithms: ReadonlySet<Algorithm>;
  readonly key: KeyObject;
  /** Equal for two keys that are the same in every member that counts, fetched at whatever time. */
  readonly identity: string;
}
