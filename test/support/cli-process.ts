/** `npx nest-gatehouse` as a process of its own, bundled once from the sources. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { endAfterwards } from './app.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = `${root}.tmp/cli-${process.pid}`;

export async function bundleCli(): Promise<void> {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: { ssr: 'src/cli/main.ts', outDir: directory, target: 'node20' },
  });
  endAfterwards(() => {
    rmSync(directory, { recursive: true });
    return Promise.resolve();
  });
}

export class CliProcess {
  private written = '';

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, Readable>) {
    child.stdout.setEncoding('utf8').on('data', (text) => (this.written += String(text)));
    child.stderr.setEncoding('utf8').on('data', (text) => (this.written += String(text)));
    endAfterwards(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
  }

  static start(...args: string[]): CliProcess {
    return new CliProcess(spawn(process.execPath, [`${directory}/main.js`, ...args], { stdio: 'pipe' }));
  }

  /** What it has written so far, to either stream. */
  get output(): string {
    return this.written;
  }

  /** Writes a text to its standard input, and ends it. @returns the exit code */
  async finish(input: string): Promise<number | null> {
    this.child.stdin.end(input);
    return await this.ended();
  }

  /** Tells it to end. @returns the exit code */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return await this.ended();
  }

  private async ended(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'close');
    return this.child.exitCode;
  }
}
