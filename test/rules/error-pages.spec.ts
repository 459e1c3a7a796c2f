/** Holds docs/reference/errors.md to the codes and reasons: each has its section, no section is about anything else. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { anchorOf, docsUrl, pageOf } from '../../src/errors/docs-url.js';
import {
  type AuthErrorCode,
  type RefusalReason,
  sentences,
  tokenSentences,
} from '../../src/errors/refusal-sentences.js';

const page = readFileSync('docs/reference/errors.md', 'utf8');
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(`src/${name}`, 'utf8'))
  .join('\n');

// The records are complete by their types.
const codes = [...Object.keys(sentences), 'INVALID_TOKEN', 'SERVER_ERROR', 'CONFIGURATION_ERROR'] as AuthErrorCode[];
const reasons = Object.keys(tokenSentences) as RefusalReason[];

const sections = new Map(
  page
    .split(/^(?=#{2,3} )/m)
    .slice(1)
    .map((text) => [slugOf(/^#+ (.*)$/m.exec(text)?.[1] ?? ''), text]),
);

/** As GitHub and VitePress both make it of these headings, which have letters, spaces and colons only. */
function slugOf(heading: string): string {
  expect(heading).toMatch(/^[A-Za-z: ]+$/);
  return heading.toLowerCase().replaceAll(':', '').replaceAll(' ', '-');
}

describe('the page of the codes and reasons', () => {
  it('has a section for each, and none beyond', () => {
    const expected = [
      ...codes.map((code) => anchorOf(code)),
      ...reasons.map((reason) => anchorOf('INVALID_TOKEN', reason)),
    ];
    expect([...sections.keys()].toSorted()).toEqual(expected.toSorted());
  });

  it.each(codes)('names the code %s, and how to mend it or which line to search', (code) => {
    const section = sections.get(anchorOf(code)) ?? '';
    expect(section).toContain(`\`${code}\``);
    if (code !== 'INVALID_TOKEN') {
      expect(section).toMatch(/^- Fix: /m);
      expect(section).toMatch(/^- Log/m);
    }
  });

  it.each(reasons)('names causes and the line to search for the reason %s', (reason) => {
    const section = sections.get(anchorOf('INVALID_TOKEN', reason)) ?? '';
    expect(section).toMatch(/^- Causes: /m);
    expect(section).toMatch(/^- Log: /m);
  });

  it('quotes texts that the log really has', () => {
    const quoted = [...page.matchAll(/^- Log.*?: (.*)$/gm)].flatMap(([, line = '']) =>
      [...line.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text),
    );
    const texts = quoted.filter((text) => !text.startsWith('(') && !/^[\w ]+ \([A-Z_]+\)$/.test(text));
    expect(texts.length).toBeGreaterThan(20);
    // A number in a quote stands for any, and `…` for the rest.
    const missing = texts.filter((text) => text.split(/ ?\d+ s| …/).some((part) => !sources.includes(part)));
    expect(missing).toEqual([]);
  });

  it('is where the addresses of log lines lead', () => {
    expect(pageOf('INVALID_TOKEN', 'not_yet_valid')).toBe(`${docsUrl}/reference/errors#invalid-token-not-yet-valid`);
    expect(pageOf('USE_DPOP_NONCE')).toBe(`${docsUrl}/reference/errors#use-dpop-nonce`);
  });
});
