import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** A playground in its own process, as a person at a terminal has it. */
export class PlaygroundProcess {
  output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;

  /** @param settings ports, and `PLAYGROUND_DATA`, which is a new folder for each process unless it is given here */
  constructor(settings: Record<string, number | string>) {
    const { PLAYGROUND_DATA: dataDirectory = createDataDirectory(), ...ports } = settings;
    this.child = spawn(process.execPath, ['.tmp/playground/start.js'], {
      cwd: root,
      env: {
        ...process.env,
        PLAYGROUND_PORT: '0',
        PLAYGROUND_PROVIDER_PORT: '0',
        PLAYGROUND_DATA: String(dataDirectory),
        ...toText(ports),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const collect = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    this.child.stdout?.on('data', collect);
    this.child.stderr?.on('data', collect);
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** The address that it prints, once it has. */
  async address(): Promise<string> {
    for (;;) {
      const address = /Playground +(http:\S+)/.exec(this.output)?.[1];
      if (address !== undefined) return address;
      const code = this.child.exitCode ?? this.child.signalCode;
      if (code !== null) throw new Error(`The playground ended with ${code}:\n${this.output}`);
      await new Promise((next) => setTimeout(next, 50));
    }
  }

  exitCode(): Promise<number | null> {
    return this.ended;
  }

  /** Ends the process at once, as a power cut does. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async interrupt(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.ended;
  }
}

const folders: string[] = [];

/** A new folder for the data of a playground. It is removed when the tests of the file have ended. */
export function createDataDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-playground-'));
  folders.push(folder);
  return folder;
}

process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function toText(ports: Record<string, number | string>): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
}
