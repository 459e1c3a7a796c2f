import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectPackages } from '../../../src/cli/installed-packages.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-packages-'));
  install('@nestjs/common', '11.1.0');
  install('@nestjs/core', '11.1.0');
  install('nest-gatehouse', '0.1.0', { '@nestjs/core': '^11.0.0 || ^12.0.0', 'small-peer': '>=0.4.0 <0.6.0' });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function install(path: string, version: string, peerDependencies: Readonly<Record<string, string>> = {}): void {
  const name = path.split('node_modules/').at(-1);
  const file = join(folder, 'node_modules', path, 'package.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ name, version, peerDependencies }));
}

const inspect = (id: string) => inspectPackages(join(folder, 'dist/app.module.js')).filter((each) => each.id === id);

describe('inspectPackages', () => {
  it('names the versions', () => {
    expect(inspect('versions')).toMatchObject([
      { status: 'ok', found: '@nestjs/common 11.1.0, @nestjs/core 11.1.0, nest-gatehouse 0.1.0' },
    ]);
  });

  it.each([
    ['@nestjs/core', '12.5.0', 'ok'],
    ['@nestjs/core', '10.4.0', 'fail'],
    ['@nestjs/core', '13.0.0', 'fail'],
    ['small-peer', '0.5.9', 'ok'],
    ['small-peer', '0.6.0', 'fail'],
    ['small-peer', '0.3.9', 'fail'],
  ])('the peer %s %s: %s', (name, version, status) => {
    install(name, version);
    expect(inspect('peers')[0]?.status).toBe(status);
    if (status === 'fail') expect(inspect('peers')[0]?.found).toContain(`${name} ${version}`);
  });

  it('names both copies of Nest', () => {
    expect(inspect('copies-nest').map(({ status }) => status)).toEqual(['ok', 'ok']);
    install('cats-library/node_modules/@nestjs/core', '12.0.0');
    const [, core] = inspect('copies-nest');
    expect(core?.status).toBe('fail');
    expect(core?.found).toContain('cats-library/node_modules/@nestjs/core');
  });

  it('a package that is not there is named', () => {
    rmSync(join(folder, 'node_modules/@nestjs'), { recursive: true });
    expect(inspect('versions')[0]).toMatchObject({ status: 'fail' });
  });
});
