/** A wrong path of `@CurrentUser()` is one short line of the compiler, and the fix compiles. */
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const fileName = `${root}src/snippet.ts`;

/** The errors of a file that imports the decorator, as `tsc` writes them. */
function errorsOf(decorator: string): readonly { readonly code: number; readonly message: string }[] {
  const text = `
import { CurrentUser } from './decorators/current-user.decorator.js';
interface Account { readonly plan: string; readonly owner: { readonly name: string } }
export class Cats { list(@${decorator} value: string): void { void value; } }
export type Used = Account;
`;
  const options: ts.CompilerOptions = {
    ...{ strict: true, experimentalDecorators: true, noEmit: true, skipLibCheck: true, types: [] },
    ...{
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
    },
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === fileName ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest);
  host.fileExists = (name) => name === fileName || fileExists(name);
  host.readFile = (name) => (name === fileName ? text : readFile(name));
  const program = ts.createProgram([fileName], options, host);
  return program.getSemanticDiagnostics(program.getSourceFile(fileName)).map(({ code, messageText }) => ({
    code,
    message: ts.flattenDiagnosticMessageText(messageText, '\n'),
  }));
}

describe('a path that AuthUser does not have', () => {
  it('is one line, and the type of the app repairs it', () => {
    const [error, ...others] = errorsOf("CurrentUser('plan')");

    expect(others).toEqual([]);
    expect(error?.code).not.toBe(2769);
    expect(error?.message.split('\n')).toHaveLength(1);
    expect(error?.message.length).toBeLessThan(600);
    expect(errorsOf("CurrentUser<Account>('plan')")).toEqual([]);
    expect(errorsOf("CurrentUser<Account>('owner.name')")).toEqual([]);
  }, 60_000);
});
