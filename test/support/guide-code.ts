/** The code of a guide, run as a reader copies it. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** What the TypeScript block of a guide exports that contains a text. It imports nothing. */
export async function guideCode<Exports>(guide: string, text: string): Promise<Exports> {
  const page = readFileSync(new URL(`../../docs/guides/${guide}`, import.meta.url), 'utf8');
  const block = [...page.matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, code = '']) => code)
    .find((code) => code.includes(text));
  if (block === undefined) throw new Error(`${guide} has no block with ${text}`);
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(block, { compilerOptions: options });
  return (await import(`data:text/javascript,${encodeURIComponent(outputText)}`)) as Exports;
}
