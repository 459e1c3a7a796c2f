import { describe, expect, it } from 'vitest';
import {
  DoctorCheck,
  type DoctorContext,
  type DoctorFinding,
  ok,
  problem,
  skipped,
} from '../../../src/doctor/doctor-check.js';
import { hasFailed, toJson, toText } from '../../../src/doctor/print-findings.js';
import { findChecks, runChecks } from '../../../src/doctor/run-checks.js';
import { ConfigurationError } from '../../../src/errors/auth-error.js';
import { HttpClient } from '../../../src/upstream/http-client.js';

const context: DoctorContext = {
  offline: true,
  url: null,
  origin: null,
  token: null,
  now: () => new Date(0),
  http: new HttpClient(),
};

class GivenCheck extends DoctorCheck {
  closed = 0;

  constructor(private readonly answer: () => readonly DoctorFinding[] | Promise<readonly DoctorFinding[]>) {
    super();
  }

  override run(): readonly DoctorFinding[] | Promise<readonly DoctorFinding[]> {
    return this.answer();
  }

  override close(): void {
    this.closed += 1;
    throw new Error('It is closed already');
  }
}

const failing = (thrown: Error): GivenCheck => new GivenCheck(() => Promise.reject(thrown));

describe('findChecks', () => {
  it('finds checks of another copy of the package by their brand', () => {
    const own = new GivenCheck(() => []);
    const foreign = Object.defineProperty({ run: () => [] }, Symbol.for('nest-gatehouse.doctor-check'), {
      value: true,
    });
    expect(findChecks([null, 'text', own, { run: () => [] }, foreign])).toEqual([own, foreign]);
  });
});

describe('runChecks', () => {
  it('gives the findings in order, and closes every check', async () => {
    const [one, two] = [
      new GivenCheck(() => [ok('a', 'one')]),
      new GivenCheck(() => Promise.resolve([ok('b', 'two')])),
    ];
    const begun: string[] = [];
    const findings = await runChecks([one, two], context, (name) => begun.push(name));
    expect(findings.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(begun).toEqual(['Checking given', 'Checking given']);
    expect([one.closed, two.closed]).toEqual([1, 1]);
  });

  it('reports what a check throws by its name alone, and runs the others', async () => {
    const findings = await runChecks(
      [failing(new TypeError('geheim')), new GivenCheck(() => [ok('b', 'two')])],
      context,
    );
    expect(findings).toMatchObject([
      { id: 'check', status: 'fail', found: 'GivenCheck: it threw TypeError' },
      { id: 'b' },
    ]);
    expect(JSON.stringify(findings)).not.toContain('geheim');
  });

  it('reports a wrong option with its fix', async () => {
    const [finding] = await runChecks(
      [failing(new ConfigurationError('x({ y })', 'it is missing', 'Write y'))],
      context,
    );
    expect(finding).toMatchObject({ id: 'options', status: 'fail', found: 'x({ y }): it is missing', fix: 'Write y' });
  });

  it('lets no control character of a server through to the terminal', async () => {
    const [finding] = await runChecks([new GivenCheck(() => [ok('a', 'red \u001b[31m')])], context);
    expect(finding?.found).toBe('red \\u001b[31m');
  });
});

describe('what is printed', () => {
  const wrong = problem('fail', 'routes', { found: 'one is open', expected: 'none', fix: 'Close it' });
  const findings = [ok('node', 'Node 20'), skipped('cors', 'offline'), wrong];

  it('states what to do about what is wrong alone', () => {
    expect(toText(findings, false)).toBe(
      [
        'ok       node: Node 20',
        'skipped  cors: offline',
        'fail     routes: one is open',
        '         expected: none',
        '         fix: Close it',
        `         ${wrong.docs}`,
        '',
        '1 ok, 0 warn, 1 fail, 1 skipped',
        '',
      ].join('\n'),
    );
  });

  it('has colours on a terminal', () => {
    expect(toText(findings, true)).toContain('\u001b[31mfail   \u001b[0m  routes');
  });

  it('has a version for programs, and no member besides those of a finding', () => {
    const extra = { ...wrong, secret: 'geheim' };
    expect(JSON.parse(toJson([extra]))).toEqual({ version: 1, findings: [wrong] });
  });

  it('only a failed check has failed', () => {
    expect(hasFailed(findings)).toBe(true);
    expect(hasFailed([ok('a', ''), skipped('b', ''), { ...wrong, status: 'warn' }])).toBe(false);
  });
});
