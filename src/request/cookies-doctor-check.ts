import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem } from '../doctor/doctor-check.js';
import type { TokenSource } from './token-sources.js';

interface CookiesCheckParts {
  readonly sources: readonly TokenSource[];
  /** `null` where it was left out: then the origin of a request is compared with its `Host`. */
  readonly publicUrl: string | null;
  readonly trustedOrigins: readonly string[];
}

/** Whether requests with a cookie that pages of other sites have caused are refused, and those of the app's pages are not. */
export class CookiesDoctorCheck extends DoctorCheck {
  constructor(private readonly parts: CookiesCheckParts) {
    super();
  }

  override run({ origin }: DoctorContext): readonly DoctorFinding[] {
    const { publicUrl, sources } = this.parts;
    const cookies = sources
      .flatMap((source) => source.alternatives ?? [source])
      .filter(({ cookie, parameter }) => cookie !== undefined || parameter?.in === 'cookie');
    if (cookies.length === 0) return [ok('cookies', 'no access token is read from a cookie')];
    const findings = cookies.map((source) => this.inspectCookie(source, origin));
    if (publicUrl !== null) return findings;
    const unknown = problem('warn', 'cookies', {
      found:
        'tokens are read from cookies, and publicUrl is not set: the origin of a page is compared with the Host of the request',
      expected: 'the outside address of the app, so that its own pages are recognized behind a proxy',
      fix: "Set AuthModule.forRoot({ publicUrl: 'https://api.example.com' }), and trustedOrigins for pages of other origins",
    });
    return [...findings, unknown];
  }

  private inspectCookie({ cookie, place }: TokenSource, origin: string | null): DoctorFinding {
    if (cookie?.checkOrigin === false) {
      return problem('warn', 'cookies', {
        found: `${place}: requests of pages of other sites are accepted (checkOrigin: false)`,
        expected: 'a check of the origin, or another protection against forged requests (CSRF) in the app',
        fix: 'Leave checkOrigin out of fromCookie(), and name other pages of yours in trustedOrigins',
      });
    }
    const { publicUrl, trustedOrigins } = this.parts;
    const accepted = [...(publicUrl === null ? [] : [new URL(publicUrl).origin]), ...trustedOrigins];
    const list = accepted.length === 0 ? 'the address at which the app is called' : accepted.join(', ');
    if (origin === null || accepted.includes(origin)) {
      const what = 'requests that change something are accepted from pages of';
      return ok('cookies', `${place}: ${what} ${list}; all other pages are refused (ACCESS_DENIED)`);
    }
    return problem('fail', 'cookies', {
      found: `${place}: requests of pages of ${origin} that change something are refused with ACCESS_DENIED. Accepted: ${list}`,
      expected: `${origin} among the accepted origins`,
      fix: `Set AuthModule.forRoot({ trustedOrigins: ['${origin}'] }), if the page is yours`,
    });
  }
}
