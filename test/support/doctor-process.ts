/** `npx nest-gatehouse` as a process of its own, with apps that were compiled for it. */
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { endAfterwards } from './app.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the doctor has printed with `--json`. */
interface Finding {
  readonly id: string;
  readonly status: string;
  readonly found: string;
  readonly expected: string | null;
  readonly fix: string | null;
  readonly docs: string;
}

interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Of one id; all others are left out. */
  readonly find: (id: string) => readonly Finding[];
}

/** The command and the apps, compiled once for a file of tests. */
export class DoctorProcess {
  private constructor(readonly directory: string) {}

  static async compile(): Promise<DoctorProcess> {
    const directory = `${root}.tmp/doctor-${process.pid}`;
    const made = new DoctorProcess(directory);
    endAfterwards(() => {
      rmSync(directory, { recursive: true, force: true });
      return Promise.resolve();
    });
    // The command and the app have a copy of the package each, as an app of another format has.
    await made.bundle('cli', { main: 'src/cli/main.ts' });
    await made.bundle('app', { 'app.module': 'test/support/doctor-app.ts' });
    await made.bundle('other', { index: 'src/index.ts' });
    return made;
  }

  /** The path of a compiled file: `app/app.module.js`. */
  path(file: string): string {
    return `${this.directory}/${file}`;
  }

  write(file: string, text: string): string {
    writeFileSync(this.path(file), text);
    return this.path(file);
  }

  /** Runs `doctor` with `--json`. */
  async check(args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Promise<Finished> {
    return await this.run(['doctor', ...args, '--json'], env, input);
  }

  /** Runs `doctor` on one of the apps. */
  async checkApp(
    app: string,
    env: Readonly<Record<string, string>>,
    args: readonly string[] = [],
    input = '',
  ): Promise<Finished> {
    return await this.check([this.path('app/app.module.js'), ...args], { ...env, APP: app }, input);
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}, input = ''): Promise<Finished> {
    return new Promise((resolve) => {
      const { PATH = '', NODE_ENV = 'test' } = process.env;
      const options = { env: { PATH, NODE_ENV, ...env }, timeout: 60_000 };
      const child = execFile(process.execPath, [this.path('cli/main.js'), ...args], options, (error, out, err) => {
        const code = error === null ? 0 : Number(error.code ?? -1);
        resolve({ code, out, err, find: (id) => findingsIn(out).filter((finding) => finding.id === id) });
      });
      child.stdin?.end(input);
    });
  }

  private async bundle(folder: string, input: Readonly<Record<string, string>>): Promise<void> {
    await build({
      root,
      configFile: false,
      logLevel: 'error',
      resolve: {
        alias: [
          { find: /^nest-gatehouse$/, replacement: `${root}src/index.ts` },
          { find: /^nest-gatehouse\/(.*)$/, replacement: `${root}src/$1/index.ts` },
        ],
      },
      build: { ssr: true, rolldownOptions: { input }, outDir: this.path(folder), target: 'node20', minify: false },
    });
  }
}

function findingsIn(out: string): readonly Finding[] {
  return (JSON.parse(out) as { readonly findings: readonly Finding[] }).findings;
}
