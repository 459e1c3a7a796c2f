import { describe, expect, it } from 'vitest';
import { logText } from '../../../src/telemetry/log-text.js';

/** Every character that a terminal or a log viewer could interpret. */
const active = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('a text in a log line', () => {
  it.each([
    ['abc', '"abc"'],
    ['', '""'],
    ['https://issuer.example/', '"https://issuer.example/"'],
    ['Grüße, 世界 😀', '"Grüße, 世界 😀"'],
  ])('is quoted: %s', (text, line) => {
    expect(logText(text)).toBe(line);
  });

  it.each([
    ['a line feed', 'a\nb', '"a\\u000ab"'],
    ['both line breaks', 'a\r\nb', '"a\\u000d\\u000ab"'],
    ['a tab', 'a\tb', '"a\\u0009b"'],
    ['a NUL', 'a\0b', '"a\\u0000b"'],
    ['the start of a terminal command', '\u001b[31m', '"\\u001b[31m"'],
    ['the same in one character', '\u009b31m', '"\\u009b31m"'],
    ['DEL', '\u007f', '"\\u007f"'],
    ['a next line', 'a\u0085b', '"a\\u0085b"'],
    ['a line separator', 'a\u2028b', '"a\\u2028b"'],
    ['a paragraph separator', 'a\u2029b', '"a\\u2029b"'],
    ['a turn of the reading order', 'a\u202eb', '"a\\u202eb"'],
    ['an isolate', 'a\u2066b', '"a\\u2066b"'],
    ['a mark of direction', 'a\u200fb', '"a\\u200fb"'],
    ['nothing that has width', 'a\u200b\u200d\ufeffb', '"a\\u200b\\u200d\\ufeffb"'],
    ['a tag', 'a\u{e0041}b', '"a\\u{e0041}b"'],
    ['half a character', 'a\ud83db', '"a\\ud83db"'],
  ])('has %s escaped', (_, text, line) => {
    expect(logText(text)).toBe(line);
  });

  it.each([
    ['a"b', '"a\\"b"'],
    ['\\', '"\\\\"'],
    ['a\\" b="c', '"a\\\\\\" b=\\"c"'],
    ['\\u000a', '"\\\\u000a"'],
  ])('cannot end its quotes or look like another text: %s', (text, line) => {
    expect(logText(text)).toBe(line);
    expect(JSON.parse(logText(text))).toBe(text);
  });

  it('is cut when it is long', () => {
    expect(logText('x'.repeat(200))).toBe(`"${'x'.repeat(200)}"`);
    expect(logText('x'.repeat(201))).toBe(`"${'x'.repeat(200)}…"`);
    expect(logText('\n'.repeat(100_000)).length).toBeLessThan(1_300);
  });

  it('is not cut within a surrogate pair', () => {
    expect(active.test(logText(`${'x'.repeat(199)}😀😀`))).toBe(false);
  });
});

describe('another value in a log line', () => {
  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [7, '7'],
    [true, 'true'],
    [['a', 1], '["a",1]'],
    [{ a: 'b"c' }, '{"a":"b\\"c"}'],
    [{ a: 'b\u202ec\u2028\u0085' }, '{"a":"b\\u202ec\\u2028\\u0085"}'],
    [{ 'a\nb': 1 }, '{"a\\nb":1}'],
  ])('is written as JSON, without quotes: %j', (value, line) => {
    expect(logText(value)).toBe(line);
  });

  it('is cut when it is long', () => {
    expect(logText(Array(1_000).fill('x'))).toHaveLength(201);
  });

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a big number', 1n],
    ['a circle', circular],
    ['a depth', JSON.parse('['.repeat(20_000) + ']'.repeat(20_000))],
    ['a trap', { toJSON: () => undefined }],
    [
      'a worse one',
      {
        toJSON: () => {
          throw new Error('no');
        },
      },
    ],
  ])('never makes logging fail: %s', (_, value) => {
    expect(logText(value)).toMatch(/^\w/);
  });
});
