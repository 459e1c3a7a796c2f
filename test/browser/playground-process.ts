import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Brings about what `npm start` runs: the package in dist/, and the playground compiled against it. */
export function compilePlayground(): void {
  compile('tsconfig.build.json');
  compile('examples/playground/tsconfig.json');
}

/** A playground in its own process, as a person at a terminal has it. */
export class PlaygroundProcess {
  output = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;

  constructor(ports: Record<string, number>) {
    this.child = spawn(process.execPath, ['.tmp/playground/start.js'], {
      cwd: root,
      env: { ...process.env, PLAYGROUND_PORT: '0', PLAYGROUND_PROVIDER_PORT: '0', ...toText(ports) },
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
      const code = this.child.exitCode;
      if (code !== null) throw new Error(`The playground ended with ${code}:\n${this.output}`);
      await new Promise((next) => setTimeout(next, 50));
    }
  }

  exitCode(): Promise<number | null> {
    return this.ended;
  }

  async interrupt(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.ended;
  }
}

/** Without a type check, which has its own place: what matters here is what the sources do. */
function compile(project: string): void {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', project, '--noCheck'],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`tsc -p ${project} failed:\n${stdout}${stderr}`);
}

function toText(ports: Record<string, number>): Record<string, string> {
  return Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)]));
}
