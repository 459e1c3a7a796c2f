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

const quote = 34;
const backslash = 92;
const colon = 58;

/**
 * Freezes a parsed JSON value all the way down, and gives the length of its shortest writing; `NaN` where that takes
 * more thought than it is worth, or where it is nested deeper than so many levels.
 */
function freezeAndMeasure(value: object, levels: number): number {
  if (levels === 0) return Number.NaN;
  Object.freeze(value);
  return Array.isArray(value) ? measureList(value, levels) : measureObject(value, levels);
}

function measureList(list: readonly unknown[], levels: number): number {
  // Brackets, and commas between.
  let length = 2 + Math.max(0, list.length - 1);
  for (const member of list) length += measure(member, levels);
  return length;
}

function measureObject(object: object, levels: number): number {
  // Braces, and no comma before the first.
  let length = 1;
  // With `in` and the old way to ask for an own member, which the engine knows together: a quarter of the time of Object.keys.
  for (const name in object) {
    if (!Object.prototype.hasOwnProperty.call(object, name)) return Number.NaN;
    // A comma, quotes and a colon. No writing of a character is shorter than the character.
    length += name.length + 4 + measure((object as Readonly<Record<string, unknown>>)[name], levels);
  }
  return Math.max(2, length);
}

function measure(value: unknown, levels: number): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value === 'number') return measureNumber(value);
  if (typeof value === 'object' && value !== null) return freezeAndMeasure(value, levels - 1);
  return value === false ? 5 : 4;
}

/** The digits of an integer. With three zeros at its end it is shorter by an exponent, beyond 2^53 there are others like it. */
function measureNumber(value: number): number {
  if (!Number.isSafeInteger(value) || value % 1_000 === 0) return Number.NaN;
  let length = value < 0 ? 2 : 1;
  for (let rest = Math.abs(value); rest >= 10; rest /= 10) length += 1;
  return length;
}

/** How many members the text writes: its colons outside of strings. `undefined` when it nests deeper than so many levels. */
function countWrittenMembers(text: string, levels: number): number | undefined {
  let members = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at);
    else if (code === colon) members += 1;
    else depth += nesting(code);
    if (depth > levels) return undefined;
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

/** How many members a parsed value and everything in it has, so many levels deep. */
function countOwnMembers(value: object, levels: number): number {
  if (levels === 0) return 0;
  const values: unknown[] = Object.values(value);
  let members = Array.isArray(value) ? 0 : values.length;
  for (const member of values) {
    if (typeof member === 'object' && member !== null) members += countOwnMembers(member, levels - 1);
  }
  return members;
}

/** Freezes a parsed JSON value all the way down, so that no handler can change what others will read. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) freeze(value);
  return value;
}

function freeze(value: object): void {
  Object.freeze(value);
  for (const member of Object.values(value) as readonly unknown[]) {
    // What is frozen already has been frozen from here, all the way down.
    if (typeof member === 'object' && member !== null && !Object.isFrozen(member)) freeze(member);
  }
}
