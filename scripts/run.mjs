// Runs one command of node_modules/.bin and collects what it prints, so that several can run side by side without
// their outputs getting mixed.
import { spawn } from 'node:child_process';
import { delimiter, resolve } from 'node:path';

// The children write into a pipe; whether there are colours is for the terminal at our end to say.
const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1', FORCE_COLOR: '0' };
const env = { ...process.env, ...colour, PATH: `${resolve('node_modules/.bin')}${delimiter}${process.env.PATH}` };

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, stream?: boolean }} [options] stream: print as it comes, too
 * @returns {Promise<{ code: number, output: string, seconds: number }>}
 */
export function run(command, args, { cwd, env: extra, stream = false } = {}) {
  return new Promise((done) => {
    const start = performance.now();
    const child = spawn(command, args, { cwd, env: { ...env, ...extra }, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    const collect = (chunk) => {
      chunks.push(chunk);
      if (stream) process.stdout.write(chunk);
    };
    const finish = (code) =>
      done({ code, output: Buffer.concat(chunks).toString(), seconds: (performance.now() - start) / 1000 });
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => {
      collect(Buffer.from(`${error.message}\n`));
      finish(1);
    });
    // A command ended by a signal has no exit code, and has failed.
    child.on('close', (code) => finish(code ?? 1));
  });
}
