import type { DoctorFinding } from './doctor-check.js';

/** For programs. A member may be added; another meaning of one gets another version. */
export function toJson(findings: readonly DoctorFinding[]): string {
  const listed = findings.map(({ id, status, found, expected, fix, docs }) => ({
    ...{ id, status, found, expected, fix, docs },
  }));
  return `${JSON.stringify({ version: 1, findings: listed }, null, 2)}\n`;
}

const colours = { ok: 32, warn: 33, fail: 31, skipped: 90 } as const;

/** For people: one line each, and below what is not in order what was expected, what to do and where to read on. */
export function toText(findings: readonly DoctorFinding[], hasColour: boolean): string {
  const blocks = findings.map((finding) => textOf(finding, hasColour));
  const count = (status: DoctorFinding['status']): number => findings.filter((each) => each.status === status).length;
  const summary = (['ok', 'warn', 'fail', 'skipped'] as const).map((status) => `${count(status)} ${status}`).join(', ');
  return `${blocks.join('')}\n${summary}\n`;
}

function textOf({ id, status, found, expected, fix, docs }: DoctorFinding, hasColour: boolean): string {
  const word = status.padEnd('skipped'.length);
  const head = hasColour ? `\u001b[${colours[status]}m${word}\u001b[0m` : word;
  const lines = [`${head}  ${id}: ${found}`];
  if (status === 'warn' || status === 'fail') {
    if (expected !== null) lines.push(`         expected: ${expected}`);
    if (fix !== null) lines.push(`         fix: ${fix}`);
    lines.push(`         ${docs}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Whether something has to be changed. */
export function hasFailed(findings: readonly DoctorFinding[]): boolean {
  return findings.some(({ status }) => status === 'fail');
}
