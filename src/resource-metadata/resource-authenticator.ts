import { Authenticator, authenticateOnline } from '../authentication/authenticator.js';
import { RefusalError, withScheme } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import { logText } from '../telemetry/log-text.js';
import { isThenable, type MaybePromise } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import { checkOnce } from '../user/verified-user.js';
import type { ProtectedResource, ProtectedResources } from './protected-resources.js';

/**
 * Authenticates requests, and refuses tokens that are not meant for the resource that the request belongs to. The issuer's own
 * `audience` has been checked before, when the token was verified: it is the same for all requests, so a token is remembered once,
 * and what depends on the request is decided here, by the claims alone.
 */
export class ResourceAuthenticator extends Authenticator {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly resources: ProtectedResources,
  ) {
    super();
  }

  override authenticate(request: RequestView): MaybePromise<AuthUser> {
    checkTarget(request);
    return this.check(this.authenticator.authenticate(request), request);
  }

  override authenticateOnline(request: RequestView): MaybePromise<AuthUser> {
    checkTarget(request);
    return this.check(authenticateOnline(this.authenticator, request), request);
  }

  /** The token was checked when the connection was opened. */
  override extend(request: RequestView, user: AuthUser): MaybePromise<Date | null> {
    return this.authenticator.extend?.(request, user) ?? null;
  }

  override toAppUser(request: RequestView, user: AuthUser): unknown {
    return this.authenticator.toAppUser(request, user);
  }

  private check(user: MaybePromise<AuthUser>, { url }: RequestView): MaybePromise<AuthUser> {
    const resource = this.resources.find(url);
    if (resource === null) return user;
    if (isThenable(user)) {
      return user.then((verified) => {
        checkOnce(verified, resource, requireAudience);
        return verified;
      });
    }
    checkOnce(user, resource, requireAudience);
    return user;
  }
}

/**
 * Refuses a request target that routers read differently: neither a path nor a whole address whose host ends before the path (RFC 9112 §3.2). It
 * would reach a handler of one resource, and be checked for another.
 *
 * @throws {RefusalError} `INVALID_REQUEST`
 */
function checkTarget({ url }: RequestView): void {
  if (url === null || url.startsWith('/') || /^https?:\/\/[^/?#;\\]+(?:\/|$)/i.test(url)) return;
  throw RefusalError.of('INVALID_REQUEST', 'The request target is neither a path nor a whole address');
}

/**
 * Checks that an access token is meant for a resource alone. API keys have no audience: they are keys of the app.
 *
 * @throws {RefusalError} with reason `audience`.
 */
function requireAudience(user: AuthUser, resource: ProtectedResource): void {
  // A scheme of the app may create users without a credential, whatever its type says.
  const credential = user.credential as AuthUser['credential'] | undefined;
  if (credential?.kind !== 'access-token') return;
  const { aud } = user.claims;
  if (typeof aud === 'string' ? resource.audiences.includes(aud) : isMeantFor(aud, user.issuer, resource)) return;
  const also = resource.alsoAudience.length === 0 ? '' : `, and in addition only ${logText(resource.alsoAudience)}`;
  const explanation =
    `The request belongs to the resource ${resource.identifier}. Expected audience ${logText(resource.identifier)}${also}; ` +
    `${aud === undefined ? 'the token has none' : `the token says ${logText(aud)}`}. Let the client ask the issuer for a token ` +
    'for this resource (RFC 8707). Audiences that tokens may name as well are alsoAudience of the resource';
  throw withScheme(RefusalError.token('audience', explanation), credential.scheme);
}

function isMeantFor(aud: unknown, issuer: string, { audiences, alsoAudience }: ProtectedResource): boolean {
  if (!Array.isArray(aud)) return false;
  const named: readonly unknown[] = aud;
  return (
    named.some((each) => audiences.includes(each as string)) &&
    named.every(
      (each) =>
        typeof each === 'string' &&
        (audiences.includes(each) || alsoAudience.includes(each) || isUserinfo(each, issuer)),
    )
  );
}

/** The issuer's own endpoint, which OpenID providers add to tokens that were asked for with the scope `openid`. */
function isUserinfo(audience: string, issuer: string): boolean {
  return audience.startsWith(`${issuer.replace(/\/+$/, '')}/`) && audience.endsWith('/userinfo');
}
