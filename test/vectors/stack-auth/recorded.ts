import { readdirSync, readFileSync } from 'node:fs';

/** The versions that answers were recorded from. */
export type StackAuthVersion = '2.8.86' | '2.8.37';

/** One exchange as it was recorded. */
export interface RecordedExchange {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Record<string, string>;
    readonly body: unknown;
  };
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

/** Every exchange of a version. */
export function readRecordedExchanges(version: StackAuthVersion = '2.8.86'): readonly RecordedExchange[] {
  const files = readdirSync(folderOf(version)).filter((file) => file.endsWith('.json') && file !== 'tokens.json');
  return files.map((file) => readRecordedExchange(file.replace('.json', ''), version));
}

function read(version: StackAuthVersion, name: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folderOf(version)), 'utf8'));
}

function folderOf(version: StackAuthVersion): URL {
  return new URL(version === '2.8.37' ? './v2.8.37/' : './', import.meta.url);
}
