import { readFileSync } from 'node:fs';

/** The versions that answers were recorded from. */
export type StackAuthVersion = '2.8.86' | '2.8.37';

/** One exchange as it was recorded. */
export interface RecordedExchange {
  readonly request: { readonly method: string; readonly path: string; readonly headers: Record<string, string> };
  readonly response: { readonly status: number; readonly headers: Record<string, string>; readonly body: unknown };
}

/** The access tokens, by the name of the exchange that they belong to. */
export function readRecordedTokens(version: StackAuthVersion = '2.8.86'): Readonly<Record<string, string>> {
  return (read(version, 'tokens') as { tokens: Record<string, string> }).tokens;
}

/** An exchange by the name of its file, as in `'jwks-include-anonymous'`. */
export function readRecordedExchange(name: string, version: StackAuthVersion = '2.8.86'): RecordedExchange {
  return read(version, name) as RecordedExchange;
}

function read(version: StackAuthVersion, name: string): unknown {
  const folder = version === '2.8.37' ? 'v2.8.37/' : '';
  return JSON.parse(readFileSync(new URL(`./${folder}${name}.json`, import.meta.url), 'utf8'));
}
