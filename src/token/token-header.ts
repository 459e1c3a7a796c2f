import type { JsonObject } from './json-object.js';

/** The protected header (RFC 7515 §4), of which only these members mean anything here. */
export interface TokenHeader extends JsonObject {
  readonly alg: string;
  readonly kid?: string;
  readonly typ?: string;
}
