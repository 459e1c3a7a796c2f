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

/** The texts of a list; `[]` for anything that is not a list. */
export function readListClaim(claims: JsonObject, name: string): readonly string[] {
  const value = valueOf(claims, name);
  return Array.isArray(value) ? value.filter((member) => typeof member === 'string') : [];
}

/** A list, or texts in one text with spaces between (the form of `scope`, RFC 6749 §3.3). */
export function readWordsClaim(claims: JsonObject, name: string): readonly string[] {
  const value = valueOf(claims, name);
  return typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : readListClaim(claims, name);
}

/** An object within the claims, by its own members; `null` for anything else. */
export function readObjectClaim(claims: JsonObject, name: string): JsonObject | null {
  const value = valueOf(claims, name);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}
