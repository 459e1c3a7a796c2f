import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import type { HttpAnswer, HttpCaller } from '../upstream/http-client.js';
import { isUpstreamFailure } from '../upstream/upstream-failure.js';
import type { HandlerInventory } from './handler-inventory.service.js';
import type { ResolvedRouteAudit } from './route-audit-options.js';

/** What `AuthModule` was given. */
interface RoutesCheckOptions {
  readonly routeAudit: ResolvedRouteAudit | null;
  readonly publicUrl: string | null;
  readonly trustedOrigins: readonly string[];
}

/** Which site asks: any that is not the app's own. */
const otherOrigin = 'https://doctor.invalid';
/** How many handlers one finding names. */
const mostNamed = 20;

/** Handlers without a guard, and what a client sees of a guarded route from outside. */
export class RoutesDoctorCheck extends DoctorCheck {
  constructor(
    private readonly handlerInventory: HandlerInventory,
    private readonly options: RoutesCheckOptions,
  ) {
    super();
  }

  override async run(context: DoctorContext): Promise<readonly DoctorFinding[]> {
    return [this.findUnguarded(), ...(await this.lookFromOutside(context))];
  }

  private findUnguarded(): DoctorFinding {
    const handlers = this.handlerInventory.list(this.options.routeAudit ?? undefined);
    const unguarded = handlers.filter(({ protection }) => protection === 'unguarded');
    if (unguarded.length === 0) {
      const all = handlers.length === 1 ? 'the only handler is' : `all ${handlers.length} handlers are`;
      return ok('routes', `${all} guarded or marked @Public()`);
    }
    const named = unguarded.slice(0, mostNamed).map(({ handler, addresses }) => `${handler} (${addresses.join(', ')})`);
    const rest = unguarded.length > mostNamed ? ` and ${unguarded.length - mostNamed} more` : '';
    return problem('fail', 'routes', {
      found: `no guard protects ${named.join(', ')}${rest}`,
      expected: 'a guard or @Public() on every handler',
      fix:
        'Add @UseGuards(AuthGuard), or @Public() where any client may call, or set guardEverything. Name guards of your own in ' +
        'routeAudit: { otherGuards }. A guard that main.ts adds by useGlobalGuards() is not seen here: provide it as APP_GUARD',
    });
  }

  private async lookFromOutside({
    url,
    origin: page,
    offline,
    http,
  }: DoctorContext): Promise<readonly DoctorFinding[]> {
    if (url === null || offline) {
      const why = offline ? 'the doctor runs --offline' : 'the address of the running app was not given (--url)';
      return [skipped('public-url', why), skipped('cors', why)];
    }
    const route = this.handlerInventory
      .listHttp()
      .filter(({ protection }) => protection === 'protected')
      .flatMap(({ routes }) => routes)
      .find(({ method, path }) => method === 'GET' && !/[:*({]/.test(path));
    const publicUrl = this.comparePublicUrl(url);
    if (route === undefined) return [publicUrl, skipped('cors', 'no guarded GET route without parameters is there')];
    const address = `${url}${route.path}`;
    // A page that the app trusts, where it names one: CORS may be on for these alone.
    const [trusted = otherOrigin] = this.options.trustedOrigins;
    const origin = page ?? trusted;
    try {
      const answer = await http.call({ method: 'GET', url: address, headers: { origin } });
      if (answer.status !== 401) return [publicUrl, unexpected(address, answer.status)];
      const cors = inspectCors(address, answer, page) ?? (await inspectPreflight(address, origin, http));
      return [publicUrl, inspectChallenge(address, answer, url), cors];
    } catch (error) {
      return [publicUrl, unreachable(address, error)];
    }
  }

  private comparePublicUrl(url: string): DoctorFinding {
    const { publicUrl } = this.options;
    if (publicUrl === url) return ok('public-url', `publicUrl is the address ${url}`);
    if (publicUrl === null) {
      return problem('warn', 'public-url', {
        found: 'publicUrl is not set',
        expected: url,
        fix: `Set AuthModule.forRoot({ publicUrl: '${url}' }): behind a proxy the app cannot know its outside address`,
      });
    }
    return problem('fail', 'public-url', {
      found: `publicUrl is ${publicUrl}`,
      expected: url,
      fix: `Set AuthModule.forRoot({ publicUrl: '${url}' }), with the path that the proxy removes, or call the doctor with the right --url`,
    });
  }
}

function unexpected(address: string, status: number): DoctorFinding {
  const fix =
    status === 404
      ? 'Include the prefix of the proxy in --url. A prefix that main.ts sets by setGlobalPrefix() belongs to --url as well'
      : 'Find out who answers: a proxy, another app, or a route that is not guarded';
  return problem('fail', 'challenge', {
    found: `GET ${address} without a token answered with status ${status}`,
    expected: 'status 401, because the route is guarded',
    fix,
  });
}

function unreachable(address: string, error: unknown): DoctorFinding {
  return problem('fail', 'challenge', {
    found: `GET ${address}: ${isUpstreamFailure(error) ? error.message : 'the call failed'}`,
    expected: 'status 401, because the route is guarded',
    fix: 'Start the app, and let this machine reach it. That is no wrong option of the package',
  });
}

function inspectChallenge(address: string, { headers }: HttpAnswer, url: string): DoctorFinding {
  const challenge = headers.get('www-authenticate');
  if (challenge === null) {
    return problem('fail', 'challenge', {
      found: `GET ${address} answers 401 without WWW-Authenticate`,
      expected: 'a challenge, from which clients learn what to do (RFC 9110 §11.6.1)',
      fix: 'An exception filter or a proxy removes it: let it keep the headers of the answer',
    });
  }
  const metadata = /resource_metadata="([^"]*)"/.exec(challenge)?.[1];
  if (metadata !== undefined && URL.canParse(metadata) && new URL(metadata).origin !== new URL(url).origin) {
    return problem('fail', 'challenge', {
      found: `the challenge names the metadata at ${metadata}`,
      expected: `an address of ${new URL(url).origin}`,
      fix: `Set AuthModule.forRoot({ publicUrl: '${url}' })`,
    });
  }
  return ok('challenge', `GET ${address} answers 401 with a challenge`);
}

/** @returns `null` where pages of other origins can read the challenge, and may have to ask before (a preflight) */
function inspectCors(address: string, { headers }: HttpAnswer, page: string | null): DoctorFinding | null {
  const allowed = headers.get('access-control-allow-origin');
  if (allowed === null) {
    if (page === null) {
      return ok('cors', 'pages of other origins may not read answers, as the app has no CORS for them');
    }
    return problem('fail', 'cors', {
      found: `GET ${address} does not allow pages of ${page} to read the answer`,
      expected: `Access-Control-Allow-Origin: ${page}`,
      fix: `Write enableCors({ origin: ['${page}'], exposedHeaders: ['WWW-Authenticate', 'Retry-After', 'DPoP-Nonce'] }) in main.ts`,
    });
  }
  const exposed = listIn(headers, 'access-control-expose-headers');
  const hasCredentials = headers.get('access-control-allow-credentials') === 'true';
  if (allowed === otherOrigin && hasCredentials) {
    return problem('fail', 'cors', {
      found: `GET ${address} allows any origin, with cookies`,
      expected: 'the origins of your own pages alone',
      fix: "Write enableCors({ origin: ['https://app.example.com'], credentials: true }) in main.ts",
    });
  }
  if (exposed.includes('www-authenticate') || (exposed.includes('*') && !hasCredentials)) return null;
  return problem('fail', 'cors', {
    found: 'CORS hides WWW-Authenticate: pages of other origins see a 401 and not its reason',
    expected: 'Access-Control-Expose-Headers: WWW-Authenticate',
    fix: "Write enableCors({ exposedHeaders: ['WWW-Authenticate', 'Retry-After', 'DPoP-Nonce'] }) in main.ts",
  });
}

/** What a browser asks before a page sends `Authorization` to another origin. `*` does not allow this header (Fetch §4.9). */
async function inspectPreflight(address: string, origin: string, http: HttpCaller): Promise<DoctorFinding> {
  const asked = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };
  const expected = 'a status below 300 that allows the header Authorization';
  try {
    const { status, headers } = await http.call({ method: 'OPTIONS', url: address, headers: { origin, ...asked } });
    if (status >= 300) {
      return problem('fail', 'cors', {
        found: `OPTIONS ${address}, which a browser sends before a request with a token, is answered with status ${status}`,
        expected,
        fix: 'Let enableCors() of main.ts answer it: a guard, a middleware or a proxy that answers before it has to pass OPTIONS',
      });
    }
    const isAllowed = headers.get('access-control-allow-origin') !== null;
    if (isAllowed && listIn(headers, 'access-control-allow-headers').includes('authorization')) {
      return ok(
        'cors',
        `pages of ${origin === otherOrigin ? 'other origins' : origin} can send tokens and read WWW-Authenticate`,
      );
    }
    return problem('fail', 'cors', {
      found: `OPTIONS ${address} does not allow the header Authorization, so that a browser sends no token`,
      expected,
      fix: "Leave allowedHeaders out of enableCors() in main.ts, or write 'Authorization' into it. * does not contain it",
    });
  } catch (error) {
    return problem('fail', 'cors', {
      found: `OPTIONS ${address}: ${isUpstreamFailure(error) ? error.message : 'the call failed'}`,
      expected,
      fix: 'Find out who answers OPTIONS: a proxy, or a middleware of the app',
    });
  }
}

function listIn(headers: HttpAnswer['headers'], name: string): readonly string[] {
  return (headers.get(name) ?? '').toLowerCase().split(/\s*,\s*/);
}
