import { randomBytes } from 'node:crypto';

let lastMs = 0;
let counter = 0;

/**
 * Creates a UUID of version 7 (RFC 9562 §5.7). Ids that one process creates within a millisecond are in the order of their
 * creation as well (§6.2, method 1).
 *
 * @param now milliseconds since 1970
 */
export function createUuidV7(now: number): string {
  const ms = Math.max(0, Math.floor(now));
  counter = ms === lastMs ? (counter + 1) & 0xfff : 0;
  lastMs = ms;
  const bytes = randomBytes(16);
  bytes.writeUIntBE(ms, 0, 6);
  bytes.writeUInt16BE(0x7000 | counter, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Whether a text is a UUID in lower case, of any version. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}
