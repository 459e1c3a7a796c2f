import { isUtf8 } from 'node:buffer';

import { RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';

/** The parts of `Authorization: Basic` (RFC 7617 §2), and the text that they were decoded from. */
export interface BasicCredentials {
  readonly userId: string;
  readonly password: string;
  readonly encoded: string;
}

/**
 * Reads `Authorization: Basic` of a request; `undefined` where the header is absent or of another scheme.
 *
 * @throws {RefusalError} `INVALID_REQUEST` for what is not base64 in its only canonical form, not UTF-8 or has no colon, and for a
 *   second `Authorization` header.
 */
export function readBasic(request: RequestView): BasicCredentials | undefined {
  const values = request.headers('authorization');
  const value = values.find(isBasic);
  if (value === undefined) return undefined;
  if (values.length > 1) throw malformed('There are several Authorization headers');
  const encoded = value.trim().slice('Basic'.length).trim();
  const text = decode(encoded);
  // The password may contain colons, the user id cannot.
  const colon = text.indexOf(':');
  if (colon === -1) throw malformed('What follows "Basic" has no colon');
  return { userId: text.slice(0, colon), password: text.slice(colon + 1), encoded };
}

/** Whether a value has the scheme Basic, whatever follows it. */
function isBasic(value: string): boolean {
  const first = value.charCodeAt(0);
  // 'B', 'b' and a space: this runs for each request, and most have another scheme.
  return (first === 0x42 || first === 0x62 || first === 0x20) && /^ *basic(?: |$)/i.test(value);
}

function decode(encoded: string): string {
  const bytes = Buffer.from(encoded, 'base64');
  if (encoded === '' || bytes.toString('base64') !== encoded) {
    throw malformed('What follows "Basic" is not base64 with padding');
  }
  if (!isUtf8(bytes)) throw malformed('What follows "Basic" is not UTF-8');
  return bytes.toString();
}

function malformed(explanation: string): RefusalError {
  return RefusalError.of('INVALID_REQUEST', explanation);
}
