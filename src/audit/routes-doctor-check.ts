import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import type { TokenSource } from '../request/token-sources.js';
import type { HttpAnswer, HttpCaller } from '../upstream/http-client.js';
import { isUpstreamFailure } from '../upstream/upstream-failure.js';
import type { HandlerInfo, HandlerInventory } from './handler-inventory.service.js';
import type { ResolvedRouteAudit } from './route-audit-options.js';

/** What `AuthModule` was given. */
interface RoutesCheckOptions {
  readonly routeAudit: ResolvedRouteAudit | null;
  readonly publicUrl: string | null;
  readonly trustedOrigins: readonly string[];
  /** Where tokens are read: a browser asks before it sends a header, and sends a cookie only where credentials are allowed. */
  readonly sources: readonly TokenSource[];
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
    const named = unguarded.slice(0, mostNamed).map((info) => this.describe(info));
    const rest = unguarded.length > mostNamed ? ` and ${unguarded.length - mostNamed} more` : '';
    return problem('fail', 'routes', {
      found: `no guard protects ${named.join(', ')}${rest}`,
      expected: 'a guard or @Public() on every handler',
      fix:
        'Add @UseGuards(AuthGuard), or @Public() where any client may call, or set guardEverything. Name guards of your own in ' +
        'routeAudit: { otherGuards }. A guard that main.ts adds by useGlobalGuards() is not seen here: provide it as APP_GUARD',
    });
  }

  private describe(info: HandlerInfo): string {
    const overridden = this.handlerInventory.findGuardedOverridden(info);
    const why = overridden === null ? '' : `; it overrides ${overridden}, whose guards do not apply to it`;
    return `${info.handler} (${info.addresses.join(', ')}${why})`;
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
      const cors =
        inspectCors(address, answer, { page, asked: origin }) ??
        (await inspectSending(address, answer, { origin, headers: headersOf(this.options.sources), http }));
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
function inspectCors(
  address: string,
  { headers }: HttpAnswer,
  { page, asked }: { readonly page: string | null; readonly asked: string },
): DoctorFinding | null {
  const allowed = headers.get('access-control-allow-origin');
  if (allowed === null) {
    if (page === null) {
      const whom = asked === otherOrigin ? 'an unknown origin' : asked;
      return ok(
        'cors',
        `pages of ${whom} may not read answers. If a page of another one calls the app, name it by --origin`,
      );
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

/** The headers in which the app reads tokens; none where it reads cookies alone. */
function headersOf(sources: readonly TokenSource[]): readonly string[] {
  const all = sources.flatMap((source) => source.alternatives ?? [source]);
  const headers = all.flatMap(({ parameter }) => (parameter?.in === 'header' ? [parameter.name] : []));
  const isCookieAlone = all.every(({ cookie, parameter }) => cookie !== undefined || parameter?.in === 'cookie');
  return headers.length > 0 || isCookieAlone ? headers : ['authorization'];
}

interface AskedBrowser {
  readonly origin: string;
  readonly headers: readonly string[];
  readonly http: HttpCaller;
}

/** Whether a browser sends the token of a page: in one of the headers, otherwise in a cookie. */
async function inspectSending(address: string, answer: HttpAnswer, asked: AskedBrowser): Promise<DoctorFinding> {
  if (asked.headers.length > 0) return await inspectPreflight(address, asked);
  const pages = nameOf(asked.origin);
  if (answer.headers.get('access-control-allow-credentials') === 'true') {
    return ok('cors', `pages of ${pages} can send cookies and read WWW-Authenticate`);
  }
  return problem('fail', 'cors', {
    found: `GET ${address} allows no cookies: a browser hides its answer from pages of ${pages} that send them`,
    expected: 'Access-Control-Allow-Credentials: true, for the pages that call the app',
    fix: "Write enableCors({ origin: ['https://app.example.com'], credentials: true }) in main.ts, and keep exposedHeaders",
  });
}

const nameOf = (origin: string): string => (origin === otherOrigin ? 'other origins' : origin);

/** What a browser asks before a page sends a header such as `Authorization` to another origin, which `*` does not allow (Fetch §4.9). */
async function inspectPreflight(
  address: string,
  { origin, headers: wanted, http }: AskedBrowser,
): Promise<DoctorFinding> {
  const asked = { 'access-control-request-method': 'GET', 'access-control-request-headers': wanted.join(',') };
  const names = wanted.map((name) => (name === 'authorization' ? 'Authorization' : name)).join(' or ');
  const expected = `a status below 300 that allows the header ${names}`;
  try {
    const { status, headers } = await http.call({ method: 'OPTIONS', url: address, headers: { origin, ...asked } });
    if (status >= 300) {
      return problem('fail', 'cors', {
        found: `OPTIONS ${address}, which a browser sends before a request with a token, is answered with status ${status}`,
        expected,
        fix: 'Let enableCors() of main.ts answer it: a guard, a middleware or a proxy that answers before it has to pass OPTIONS',
      });
    }
    const allowed = listIn(headers, 'access-control-allow-headers');
    if (headers.get('access-control-allow-origin') !== null && wanted.some((name) => allowed.includes(name))) {
      return ok('cors', `pages of ${nameOf(origin)} can send tokens and read WWW-Authenticate`);
    }
    return problem('fail', 'cors', {
      found: `OPTIONS ${address} does not allow the header ${names}, so that a browser sends no token`,
      expected,
      fix: `Leave allowedHeaders out of enableCors() in main.ts, or write '${names}' into it. * does not contain Authorization`,
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
