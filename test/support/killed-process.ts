/** Processes that run `killed-app.ts`, bundled once, so that each one starts fast. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { endAfterwards } from './app.js';
import { postgresUrl } from './postgres.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = `${root}.tmp/killed-app-${process.pid}`;
const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');

/** Bundles the app with the sources of the package; its dependencies stay outside. */
export async function bundleKilledApp(): Promise<void> {
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
    build: { ssr: 'test/support/killed-app.ts', outDir: directory, target: 'node20' },
  });
  endAfterwards(() => {
    rmSync(directory, { recursive: true });
    return Promise.resolve();
  });
}

export class KilledProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** Resolves when the app listens. */
  static async start(platform: string, schema: string): Promise<KilledProcess> {
    const env = { PLATFORM: platform, DATABASE_URL: postgresUrl, SCHEMA: schema, ENCRYPTION_KEY: encryptionKey };
    const child = fork(`${directory}/killed-app.js`, { env: { ...process.env, ...env } });
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('The app ended before it listened')));
    const [url] = (await Promise.race([once(child, 'message'), ended])) as [string];
    ended.catch(() => undefined);
    const process_ = new KilledProcess(child, url);
    endAfterwards(() => process_.kill());
    return process_;
  }

  /** Makes the process kill itself at the next refresh. Resolves when it has understood. */
  async dieAt(moment: 'before the write' | 'after the write'): Promise<void> {
    this.child.send(moment);
    await once(this.child, 'message');
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  get isDead(): boolean {
    return this.child.signalCode === 'SIGKILL';
  }
}
