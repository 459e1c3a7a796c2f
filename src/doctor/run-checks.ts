import { type ConfigurationError, isConfigurationError } from '../errors/auth-error.js';
import { escapeActive } from '../telemetry/log-text.js';
import { type DoctorCheck, type DoctorContext, type DoctorFinding, isDoctorCheck, problem } from './doctor-check.js';

/** How long one check may take. */
const longestCheckMs = 30_000;

/** The checks among what Nest has made for an app. */
export function findChecks(instances: readonly unknown[]): readonly DoctorCheck[] {
  return instances.filter(isDoctorCheck);
}

/**
 * Runs the checks one after the other, in the order of the app's modules. A check that throws is a failed check.
 *
 * @param onProgress called with what is checked from now on: `Checking bound tokens`
 */
export async function runChecks(
  checks: readonly DoctorCheck[],
  context: DoctorContext,
  onProgress: (check: string) => void = () => undefined,
): Promise<readonly DoctorFinding[]> {
  const findings: DoctorFinding[] = [];
  try {
    for (const check of checks) {
      onProgress(`Checking ${subjectOf(check)}`);
      findings.push(...(await runCheck(check, context)));
    }
  } finally {
    for (const check of checks) await closeQuietly(check);
  }
  return findings.map(escaped);
}

/** What a check is about, by the name of its class: `bound tokens` of `BoundTokensDoctorCheck`. */
function subjectOf({ constructor: { name } }: DoctorCheck): string {
  const subject = name.replace(/(?:Doctor)?Check$/, '');
  return subject.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase();
}

async function runCheck(check: DoctorCheck, context: DoctorContext): Promise<readonly DoctorFinding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly DoctorFinding[]>((resolve) => {
    const seconds = longestCheckMs / 1_000;
    const given = failed(check, `it did not end within ${seconds} s`, 'Find out what it waits for');
    timer = setTimeout(resolve, longestCheckMs, [given]);
  });
  try {
    return await Promise.race([check.run(context), late]);
  } catch (error) {
    if (isConfigurationError(error)) return [ofConfigurationError(error)];
    // A message may repeat an address with a password in it.
    const name = error instanceof Error ? error.name : 'no error';
    return [failed(check, `it threw ${name}`, 'Report it, or correct the check if it is your own')];
  } finally {
    clearTimeout(timer);
  }
}

function failed({ constructor: { name } }: DoctorCheck, found: string, fix: string): DoctorFinding {
  return problem('fail', 'check', { found: `${name}: ${found}`, expected: 'a check that ends', fix });
}

/** An option that the app has written wrongly. The message of such an error repeats no value. */
export function ofConfigurationError(error: ConfigurationError): DoctorFinding {
  return problem('fail', 'options', {
    found: error.explanation,
    expected: 'options with which the app starts',
    fix: error.fix,
  });
}

/** What a check has to tell may come from a server: no control character of it reaches the terminal. */
function escaped(finding: DoctorFinding): DoctorFinding {
  const { found, expected, fix } = finding;
  return {
    ...finding,
    found: escapeActive(found),
    expected: expected === null ? null : escapeActive(expected),
    fix: fix === null ? null : escapeActive(fix),
  };
}

async function closeQuietly(check: DoctorCheck): Promise<void> {
  try {
    await check.close?.();
  } catch {
    // Everything was found out by then.
  }
}
