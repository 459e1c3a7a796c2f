import { describe, expect, it } from 'vitest';
import { parseJsonObject } from '../../../src/token/json-object.js';

function parse(text: string): unknown {
  return parseJsonObject(Buffer.from(text));
}

/** Numbers that look random and are the same in every run, so that a failure comes again. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Written {
  readonly text: string;
  /** Whether some object in it names a member twice: what the parser has to find out from the text alone. */
  readonly doubled: boolean;
}

const names = ['a', 'b', 'sub', '', ':', '"', '\\', '\\"', '{"a":1}', '__proto__', '0', 'ü', '\u2028', '🚀'];
const texts = ['', 'x', ':', '"', '\\', '\\\\', '\\":', '{"a":1,"a":2}', '[', '}', 'a":"b', '\n'];
const blanks = ['', '', '', ' ', '\n', '\t\r\n '];

/** A name in one of its writings: an escape is the same name as the letter. */
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
  if (kind === 2) return { text: ['true', 'false', 'null', '1.5e3', '-0'][random(5)] ?? 'null', doubled: false };
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
  it('refuses a member that is named twice at any depth, however it is written, and nothing else', () => {
    const random = seeded(20_260_101);
    const objects = Array.from({ length: 3_000 }, () => writeObject(random, 0));
    const wrong = objects.filter(({ text, doubled }) => (parse(text) === undefined) !== doubled);

    expect(wrong.map(({ text }) => text).slice(0, 3)).toEqual([]);
    // Both sorts have to be there, or nothing was compared.
    expect(objects.filter(({ doubled }) => doubled).length).toBeGreaterThan(300);
    expect(objects.filter(({ doubled }) => !doubled).length).toBeGreaterThan(300);
  });

  it('gives what JSON.parse gives', () => {
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
  ])('refuses %s, which is no JSON object', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  it.each([
    ['a BOM before', Buffer.from('\ufeff{}')],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['a byte that no UTF-8 has', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['an overlong slash', Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d])],
    ['half a surrogate pair in UTF-8', Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
    ['text cut off within a character', Buffer.from('{"a":"ü"}').subarray(0, 7)],
    ['something behind the object', Buffer.from('{}{}')],
    ['a comment', Buffer.from('{/**/}')],
    ['a quote that is never closed', Buffer.from('{"a')],
    ['a backslash at the end', Buffer.from('{"a\\')],
  ])('refuses %s', (_, bytes) => {
    expect(parseJsonObject(bytes)).toBeUndefined();
  });

  it('takes 32 levels and refuses 33', () => {
    const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

    expect(parse(nested(32))).toBeDefined();
    expect(parse(nested(33))).toBeUndefined();
  });

  it('keeps a member named __proto__ a member', () => {
    const object = parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>;

    expect(Object.keys(object)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(object['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
