import { isDeepStrictEqual } from 'node:util';

import type { FieldProblem } from '../errors/auth-error.js';
import type { JsonObject } from '../token/json-object.js';

const mostBytes = 65_536;

/** What is wrong with the custom data of an account or a group. */
export function findCustomDataProblem(given: unknown): FieldProblem | null {
  const message = isObject(given) ? problemOf(given) : 'an object is expected';
  return message === null ? null : { path: 'customData', message };
}

function problemOf(given: object): string | null {
  const text = writeJson(given);
  if (text === null) return 'JSON is expected: texts, numbers, true, false, null, lists and objects, without undefined';
  return Buffer.byteLength(text) > mostBytes ? `at most ${mostBytes} bytes of JSON are expected` : null;
}

/** `null` for what would not be the same when it is read again. */
function writeJson(given: object): string | null {
  try {
    const text = JSON.stringify(given);
    return isDeepStrictEqual(JSON.parse(text), given) ? text : null;
  } catch {
    // A circle, a BigInt, or more levels than the stack has room for.
    return null;
  }
}

/**
 * Applies a JSON merge patch (RFC 7396 §2): members of the patch replace those of the target, `null` removes one, and objects are
 * merged.
 */
export function applyMergePatch(target: unknown, patch: JsonObject): JsonObject {
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, name);
    else define(merged, name, isObject(value) ? applyMergePatch(ownMember(merged, name), value) : value);
  }
  return merged;
}

/** A member named `__proto__` is one like any other. */
function define(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}

function ownMember(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
