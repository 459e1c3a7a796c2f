import { describe, expect, it } from 'vitest';
import { parseJsonObject } from '../../../src/token/json-object.js';

function parse(text: string): unknown {
  return parseJsonObject(text);
}

/** Pseudo-random numbers that are the same in every run, so that a failure can be reproduced. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Written {
  readonly text: string;
  /** Whether an object in the text has duplicate members, which the parser must detect. */
  readonly doubled: boolean;
}

const names = ['a', 'b', 'sub', '', ':', '"', '\\', '\\"', '{"a":1}', '__proto__', '0', 'ü', '\u2028', '🚀'];
const texts = ['', 'x', ':', '"', '\\', '\\\\', '\\":', '{"a":1,"a":2}', '[', '}', 'a":"b', '\n'];
const literals = [
  'true',
  'false',
  'null',
  '1.5e3',
  '-0',
  '0',
  '1e3',
  '1000',
  '12e2',
  '1700000000',
  '99999999999999999',
];
const blanks = ['', '', '', ' ', '\n', '\t\r\n '];

/** Writes a member name as a JSON string, either plainly or with every character escaped. */
function writeName(name: string, random: (below: number) => number): string {
  if (random(3) > 0) return JSON.stringify(name);
  const escaped = [...name].flatMap((character) =>
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at)),
  );
  return `"${escaped.map((code) => `\\u${code.toString(16).padStart(4, '0')}`).join('')}"`;
}

function writeValue(random: (below: number) => number, depth: number): Written {
  const kind = random(depth > 4 ? 4 : 7);
  if (kind === 0) return { text: JSON.stringify(texts[random(texts.length)]), doubled: false };
  if (kind === 1) return { text: String(random(1_000) - 500), doubled: false };
  if (kind === 2) return { text: literals[random(literals.length)] ?? 'null', doubled: false };
  if (kind === 3) return { text: random(2) === 0 ? '{}' : '[]', doubled: false };
  return kind === 4 ? writeList(random, depth) : writeObject(random, depth);
}

function writeList(random: (below: number) => number, depth: number): Written {
  const members = Array.from({ length: random(4) }, () => writeValue(random, depth + 1));
  return { text: `[${members.map(({ text }) => text).join(',')}]`, doubled: members.some(({ doubled }) => doubled) };
}

function writeObject(random: (below: number) => number, depth: number): Written {
  const blank = (): string => blanks[random(blanks.length)] ?? '';
  const members = Array.from({ length: random(6) }, () => {
    return { name: names[random(names.length)] ?? '', value: writeValue(random, depth + 1) };
  });
  const written = members.map(
    ({ name, value }) => `${blank()}${writeName(name, random)}${blank()}:${blank()}${value.text}${blank()}`,
  );
  const twice = new Set(members.map(({ name }) => name)).size < members.length;
  return { text: `{${written.join(',')}}`, doubled: twice || members.some(({ value }) => value.doubled) };
}

describe('parseJsonObject', () => {
  it('refuses a duplicate member at any depth, however it is written, and nothing else', () => {
    const random = seeded(20_260_101);
    const objects = Array.from({ length: 3_000 }, () => writeObject(random, 0));
    const wrong = objects.filter(({ text, doubled }) => (parse(text) === undefined) !== doubled);

    expect(wrong.map(({ text }) => text).slice(0, 3)).toEqual([]);
    // Both sorts have to be there, or nothing was compared.
    expect(objects.filter(({ doubled }) => doubled).length).toBeGreaterThan(300);
    expect(objects.filter(({ doubled }) => !doubled).length).toBeGreaterThan(300);
  });

  it('returns what JSON.parse returns', () => {
    const random = seeded(7);
    const objects = Array.from({ length: 500 }, () => writeObject(random, 0)).filter(({ doubled }) => !doubled);

    for (const { text } of objects) expect(parse(text)).toEqual(JSON.parse(text));
  });

  it.each([
    '',
    ' ',
    'null',
    'true',
    '1',
    '"a"',
    '[]',
    '[{}]',
    '{',
    '}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
  ])('refuses %s, which is not a JSON object', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each([
    ['a BOM before', '\ufeff{}'],
    ['something behind the object', '{}{}'],
    ['a comment', '{/**/}'],
    ['a quote that is never closed', '{"a'],
    ['a backslash at the end', '{"a\\'],
  ])('refuses %s', (_, text) => {
    expect(parseJsonObject(text)).toBeUndefined();
  });

  it.each([
    // Each of them can be confused with a text of the same length that has no duplicate member.
    '{"a":1,"a":1000000000}',
    '{"a":1e9,"":0,"":0}',
    '{"a":1e9,"b":1,"b":1}',
    '{"n":99999999999999999,"n":1}',
    '{"n":1000,"n":1e3}',
    '{"a":[{"b":1,"b":1}]}',
    '{"a":1,"\\u0061":1}',
    `{"a":${'['.repeat(40)}${']'.repeat(40)},"a":1}`,
  ])('refuses %s, even in a short text', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each(['{}', '{"a":0}', '{"a":-1}', '{"a":-0}', '{"a":1e400}', '{"a":[]}', '{"a":[1,[2],{}]}', ' { "a" : 1.50 } '])(
    'accepts %s',
    (text) => {
      expect(parse(text)).toEqual(JSON.parse(text));
    },
  );

  it('returns a deeply frozen object', () => {
    const parts = (value: unknown): object[] =>
      typeof value === 'object' && value !== null ? [value, ...Object.values(value).flatMap(parts)] : [];
    const object = parse('{"a":[{"b":[[]]},{}],"__proto__":{"c":{}},"d":1000}');

    expect(parts(object)).toHaveLength(8);
    expect(parts(object).filter((part) => !Object.isFrozen(part))).toEqual([]);
  });

  it('accepts 32 levels and refuses 33', () => {
    const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

    expect(parse(nested(32))).toBeDefined();
    expect(parse(nested(33))).toBeUndefined();
  });

  it('keeps a member named __proto__ as an own member', () => {
    const object = parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>;

    expect(Object.keys(object)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(object['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('with a member on the prototype of all objects', () => {
  // The inherited member and the parsed one together have the length of the two members in the text.
  const given = { value: 1, enumerable: true, configurable: true, writable: true };

  it('still refuses a duplicate member, and accepts a valid text', () => {
    Object.defineProperty(Object.prototype, 'z', given);
    try {
      expect(parse('{"a":1,"a":1}')).toBeUndefined();
      expect(parse('{"a":1}')).toEqual({ a: 1 });
    } finally {
      Reflect.deleteProperty(Object.prototype, 'z');
    }
  });
});
