import { countOwnMembers, countWrittenMembers, freezeAndMeasure } from './json-members.js';

/** A JSON object, as it was parsed: every member is an own property, `__proto__` too. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** How deep objects and lists may be nested. */
const deepest = 32;

/**
 * Parses a text that must be one JSON object: no member named twice at any depth (RFC 7515 §4, RFC 7519 §4), not nested
 * beyond reason. `undefined` for everything else. What it gives is frozen all the way down.
 */
export function parseJsonObject(text: string): JsonObject | undefined {
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // JSON.parse keeps the last of two members of one name. A text that is as short as what came out of it can be has no
  // room for another; that is most of them. In the others the members are counted.
  if (freezeAndMeasure(value, deepest) === text.length) return value as JsonObject;
  return countWrittenMembers(text, deepest) === countOwnMembers(value, deepest) ? (value as JsonObject) : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
