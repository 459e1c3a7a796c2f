/** The command `npm run example:mcp`, as compiled for it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** Starts the command. `until` ends it by SIGINT when that is printed. */
async function run(options: readonly string[], until?: string): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, ['.tmp/examples/mcp/main.js', ...options], { cwd: root });
  let output = '';
  let interrupted = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (until === undefined || interrupted || !output.includes(until)) return;
      interrupted = true;
      child.kill('SIGINT');
    });
  }
  const [code] = (await once(child, 'close')) as [unknown];
  return { code, output };
}

const lastLine = 'add_note -> 200 feed the cat (mira) | water the plants (night-shift)';

describe('the MCP example in a terminal', () => {
  it('runs on both platforms, and ends with exit code 0', async () => {
    const { code, output } = await run(['--port', '0', '--provider-port', '0']);
    expect(code).toBe(0);
    expect(output).toContain('An MCP server on express');
    expect(output).toContain('An MCP server on fastify');
    expect(output.split(lastLine)).toHaveLength(3);
    expect(output).not.toMatch(/WARN|runtime|mcp-sdk/i);
  });

  it('takes a free port where another program has the port', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const ports = ['--port', String(port), '--provider-port', String(port)];
    const { code, output } = await run(['--adapter', 'fastify', ...ports]);
    squatter.close();
    expect(code).toBe(0);
    expect(output).not.toContain(`127.0.0.1:${port}`);
    expect(output).not.toContain('express');
  });

  it('stays until Ctrl-C if told to', async () => {
    const { code, output } = await run(['--stay', '--port', '0', '--provider-port', '0'], 'stays there until Ctrl-C');
    expect(code).toBe(0);
    expect(output).toContain(lastLine);
    expect(output).not.toContain('fastify');
  });

  it.each([
    ['--adapter', 'koa'],
    ['--port', 'http'],
    ['--colour', 'red'],
  ])('refuses %s %s in one line, with exit code 1', async (...options) => {
    const { code, output } = await run(options);
    expect(code).toBe(1);
    expect(output).toContain(options[0]);
    expect(output).not.toMatch(/^\s+at /m);
  });
});
