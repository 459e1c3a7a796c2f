import { isUtf8 } from 'node:buffer';

/** A JSON object, as it was parsed: every member is an own property, `__proto__` too. */
export type JsonObject = Readonly<Record<string, unknown>>;

const deepest = 32;
const quote = 34;
const backslash = 92;
const colon = 58;

/**
 * Parses bytes that must be one JSON object: valid UTF-8, no member named twice at any depth (RFC 7515 §4,
 * RFC 7519 §4), not nested beyond reason. `undefined` for everything else.
 */
export function parseJsonObject(bytes: Buffer): JsonObject | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  const members = countMembers(text);
  if (members === undefined) return undefined;
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // JSON.parse keeps the last of two members of one name, so fewer arrive than were written.
  return countOwn(value) === members ? (value as JsonObject) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How many members the text writes: its colons outside of strings. `undefined` when it nests too deep. */
function countMembers(text: string): number | undefined {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === colon) members += 1;
    else depth += nesting(code);
    if (depth > deepest) return undefined;
  }
  return members;
}

function nesting(code: number): number {
  if (code === 123 || code === 91) return 1; // { [
  return code === 125 || code === 93 ? -1 : 0; // } ]
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return text.length;
}

function countOwn(value: object): number {
  const values: unknown[] = Object.values(value);
  let members = Array.isArray(value) ? 0 : values.length;
  for (const member of values) {
    if (typeof member === 'object' && member !== null) members += countOwn(member);
  }
  return members;
}
