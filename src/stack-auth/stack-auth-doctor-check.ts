import { DoctorCheck, type DoctorFinding, ok, problem } from '../doctor/doctor-check.js';
import type { StackAuthProject } from '../issuers/stack-auth/stack-auth-api.js';
import type { TokenSource } from '../request/token-sources.js';
import { readsCookie } from '../sessions/session-cookies.js';
import type { StackAuthTerms } from './stack-auth-options.js';

/** The project whose sessions the app keeps in its cookies, and what has to be set at Stack Auth for it. It makes no call. */
export class StackAuthDoctorCheck extends DoctorCheck {
  constructor(
    private readonly project: StackAuthProject,
    private readonly terms: StackAuthTerms,
    private readonly findSources: () => readonly TokenSource[],
  ) {
    super();
  }

  override run(): readonly DoctorFinding[] {
    const { projectId, baseUrl, secretServerKey } = this.project;
    const key = secretServerKey === null ? 'without a secret server key' : 'with a secret server key';
    const findings = [ok('stack-auth', `sessions of the project ${projectId} at ${baseUrl}, ${key}`)];
    return this.terms.delivery.includes('cookies') ? [...findings, ...this.inspectCookies()] : findings;
  }

  private inspectCookies(): readonly DoctorFinding[] {
    const { cookies, publicUrl, encryptionKeys } = this.terms;
    const { origin } = new URL(publicUrl);
    const findings = [
      ok(
        'stack-auth',
        `logins by other providers come back to ${origin}: list it among the trusted domains of the project`,
      ),
    ];
    if (!readsCookie(this.findSources(), cookies.accessName)) {
      findings.push(
        problem('fail', 'stack-auth', {
          found: 'StackAuthModule delivers cookies, and guarded routes do not read the access token from its cookie',
          expected: 'a token source for the cookie',
          fix: "Add fromSessionCookie() to AuthModule.forRoot({ tokenFrom }), or set StackAuthModule.forRoot({ delivery: ['body'] })",
        }),
      );
    }
    if (encryptionKeys === null && this.project.secretServerKey === null) {
      findings.push(
        problem('warn', 'stack-auth', {
          found:
            'the cookies of logins are encrypted with a random key of each process: another instance cannot end a login',
          expected: 'a key that all instances share, unless the app is one process',
          fix: 'Set StackAuthModule.forRoot({ encryptionKey }) or GATEHOUSE_ENCRYPTION_KEY',
        }),
      );
    }
    return findings;
  }
}
