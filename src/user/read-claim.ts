import type { JsonObject } from '../token/json-object.js';

/** A claim by its own name; what every object inherits is not in the token. */
function valueOf(claims: JsonObject, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** A text that is not empty, else `null`. */
export function readTextClaim(claims: JsonObject, name: string): string | null {
  const value = valueOf(claims, name);
  return typeof value === 'string' && value !== '' ? value : null;
}

export function readBooleanClaim(claims: JsonObject, name: string): boolean | null {
  const value = valueOf(claims, name);
  return typeof value === 'boolean' ? value : null;
}

/** The texts of a list: the list itself where there is nothing else in it; `[]` for anything that is not a list. */
export function readListClaim(claims: JsonObject, name: string): readonly string[] {
  const value = valueOf(claims, name);
  if (!Array.isArray(value)) return nothing;
  return value.every(isText) ? value : value.filter(isText);
}

const nothing: readonly string[] = Object.freeze([]);

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** A list, or texts in one text with spaces between (the form of `scope`, RFC 6749 §3.3). */
export function readWordsClaim(claims: JsonObject, name: string): readonly string[] {
  const value = valueOf(claims, name);
  if (!isText(value)) return readListClaim(claims, name);
  const words = value.split(' ');
  return words.includes('') ? words.filter((word) => word !== '') : words;
}

/** An object within the claims, by its own members; `null` for anything else. */
export function readObjectClaim(claims: JsonObject, name: string): JsonObject | null {
  const value = valueOf(claims, name);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}
