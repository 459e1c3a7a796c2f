import { describe, expect, it } from 'vitest';
import { runWith } from '../../support/cli.js';

const run = (...args: string[]) => runWith({}, ...args);

describe('npx nest-gatehouse', () => {
  it.each([['--help'], ['-h'], ['help']])('%s lists the commands', async (argument) => {
    const { code, out, err } = await run(argument);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('migrate  Creates the tables');
  });

  it.each([
    [[], 'A command is missing'],
    [['migrat'], 'There is no such command'],
    [['toString'], 'There is no such command'],
    [['--version'], 'There is no such command'],
  ])('%j is refused with the list of commands', async (args, problem) => {
    const { code, out, err } = await run(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`${problem}.\n\nUsage: npx nest-gatehouse <command>`);
  });
});

describe('npx nest-gatehouse migrate', () => {
  it.each([['--help'], ['-h'], ['--schema', 'x', '--help']])('%s describes its options', async (...args) => {
    const { code, out } = await run('migrate', ...args);
    expect(code).toBe(0);
    expect(out).toContain('--database-url <url>');
  });

  it.each([
    [[], 'DATABASE_URL is not set'],
    [['--database-url', ''], 'DATABASE_URL is not set'],
    [['--database-url'], 'The value of an option is missing'],
    [['--schema'], 'The value of an option is missing'],
    [['--shema', 'x'], 'There is no such option'],
    [['--print', 'postgres://u:geheim@host/db'], 'There is an argument too many'],
    [['--schema', 'Geheim', '--print'], 'the name of a schema is expected'],
  ])('%j is refused with its options', async (args, problem) => {
    const { code, out, err } = await run('migrate', ...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(problem);
    expect(err).toContain('Usage: npx nest-gatehouse migrate');
    expect(err).not.toMatch(/geheim/i);
  });

  it('writes the SQL without a database', async () => {
    const { code, out } = await run('migrate', '--print', '--schema', 'acme');
    expect(code).toBe(0);
    expect(out).toMatch(/^begin isolation level read committed;\n/);
    expect(out).toContain('create table "acme".sessions');
    expect(out).not.toContain('gatehouse"');
    expect(out).toMatch(/\ncommit;\n$/);
  });

  it('says what is wrong with a URL without repeating it', async () => {
    const { code, err } = await runWith({ DATABASE_URL: 'mysql://u:geheim@host/db' }, 'migrate');
    expect(code).toBe(1);
    expect(err).toContain('a URL of PostgreSQL is expected');
    expect(err).not.toContain('geheim');
  });
});
