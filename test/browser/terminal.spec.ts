import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createDataDirectory, PlaygroundProcess } from './playground-process.js';

function dataUrl(script: string): string {
  return `data:text/javascript;base64,${Buffer.from(script).toString('base64')}`;
}

describe('the playground in a terminal', () => {
  it.each(['PLAYGROUND_PORT', 'PLAYGROUND_PROVIDER_PORT'])(
    'names a taken port and %s, and ends with exit code 1',
    async (variable) => {
      const squatter = createServer().listen(0, '127.0.0.1');
      await once(squatter, 'listening');
      const { port } = squatter.address() as AddressInfo;

      const playground = new PlaygroundProcess({ [variable]: port });

      expect(await playground.exitCode()).toBe(1);
      expect(playground.output).toContain(`Port ${port} on 127.0.0.1 is taken`);
      expect(playground.output).toContain(`${variable}=`);
      expect(playground.output).not.toMatch(/^\s+at /m);
      squatter.close();
    },
  );

  it('names a port of localhost that another program has in IPv6, because browsers would ask that program', async (test) => {
    const squatter = createServer().listen(0, '::1');
    await once(squatter, 'listening').catch(() => {
      test.skip('no IPv6 on this machine');
    });
    const { port } = squatter.address() as AddressInfo;

    const playground = new PlaygroundProcess({ PLAYGROUND_PORT: port });

    expect(await playground.exitCode()).toBe(1);
    expect(playground.output).toContain(`Port ${port} on ::1 is taken`);
    squatter.close();
  });

  it('refuses one port for both servers, and a port that is none', async () => {
    const same = new PlaygroundProcess({ PLAYGROUND_PORT: 45_871, PLAYGROUND_PROVIDER_PORT: 45_871 });
    const none = new PlaygroundProcess({ PLAYGROUND_PORT: 70_000 });

    expect(await same.exitCode()).toBe(1);
    expect(same.output).toContain('a port each');
    expect(await none.exitCode()).toBe(1);
    expect(none.output).toContain('PLAYGROUND_PORT is "70000"');
  });

  it('says who uses its folder, or that it cannot be one, and ends with exit code 1', async () => {
    const PLAYGROUND_DATA = createDataDirectory();
    const first = new PlaygroundProcess({ PLAYGROUND_DATA });
    await first.address();
    const second = new PlaygroundProcess({ PLAYGROUND_DATA });
    const onFile = new PlaygroundProcess({ PLAYGROUND_DATA: join(PLAYGROUND_DATA, 'lock') });

    expect(await second.exitCode()).toBe(1);
    expect(second.output).toMatch(
      /keeps its sessions in .+ with PGlite, and cannot start:\n.+process \d+ uses the directory/,
    );
    expect(await onFile.exitCode()).toBe(1);
    expect(onFile.output).toMatch(/it cannot be written \(EEXIST\)/);
    for (const { output } of [second, onFile]) {
      expect(output).toContain('PLAYGROUND_DATA=');
      expect(output).not.toMatch(/^\s+at |ExceptionHandler/m);
    }
    await first.interrupt();
  });

  it('names the package that it needs for its sessions where that is not installed, and ends with exit code 1', async () => {
    const hooks = dataUrl(`export async function resolve(name, context, next) {
      if (name !== '@electric-sql/pglite') return next(name, context);
      throw Object.assign(new Error("Cannot find package '@electric-sql/pglite'"), { code: 'ERR_MODULE_NOT_FOUND' });
    }`);
    const loader = dataUrl(`import { register } from 'node:module'; register('${hooks}');`);
    const playground = new PlaygroundProcess({ NODE_OPTIONS: `--import ${loader}` });

    expect(await playground.exitCode()).toBe(1);
    expect(playground.output).toContain('the package @electric-sql/pglite is not installed');
    expect(playground.output).toContain('npm ci');
    expect(playground.output).not.toMatch(/^\s+at /m);
  });

  it('starts again after a kill -9 while it makes its database', { timeout: 240_000 }, async () => {
    const PLAYGROUND_DATA = createDataDirectory();
    const data = join(PLAYGROUND_DATA, 'postgres');
    for (const files of [300, 900]) {
      const killed = new PlaygroundProcess({ PLAYGROUND_DATA });
      const ready = killed.address();
      const fileCount = () => (existsSync(data) ? readdirSync(data, { recursive: true }).length : -1);
      await expect.poll(fileCount, { timeout: 60_000, interval: 5 }).toBeGreaterThanOrEqual(files);
      await killed.kill();
      await ready.catch(() => undefined);
      const again = new PlaygroundProcess({ PLAYGROUND_DATA });
      await again.address();
      expect((await fetch(`${await again.address()}/playground/session/cookies`)).status).toBe(200);
      expect(await again.interrupt()).toBe(0);
      rmSync(PLAYGROUND_DATA, { recursive: true });
    }
  });

  it('stops at Ctrl-C with exit code 0, also while somebody holds a connection', async () => {
    const playground = new PlaygroundProcess({});
    await fetch(await playground.address(), { keepalive: true });

    const asked = performance.now();
    expect(await playground.interrupt()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(3_000);
  });
});
