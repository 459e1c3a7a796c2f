import { type Clock, readMilliseconds } from '../clock/clock.js';
import { ConfigurationError, RefusalError, withScheme } from '../errors/auth-error.js';
import type { Credential } from '../request/find-credential.js';
import { createPrivateSlot } from '../request/private-slot.js';
import { isBearerHeader } from '../request/request-origin.js';
import { describeMissing } from '../request/missing-credential.js';
import { nodeRequestOf, type RequestView } from '../request/request-view.js';
import type { TokenSource } from '../request/token-sources.js';
import { isThenable, type MaybePromise, recover } from '../token/maybe-promise.js';
import type { AuthUser } from '../user/auth-user.js';
import { areOfOneToken } from '../user/verified-user.js';
import type { Authentication, AuthenticationScheme } from './authentication-scheme.js';
import { Authenticator } from './authenticator.js';

/**
 * Maps a verified user to the user object of the app, for example a row of its database; `null` refuses a user whom the
 * app does not know. `request` is the framework's own request object, for code that resolves request-scoped providers:
 *
 * ```ts
 * const contextId = ContextIdFactory.getByRequest(request);
 * moduleRef.registerRequestByContextId(request, contextId); // for providers that inject REQUEST
 * const accounts = await moduleRef.resolve(Accounts, contextId, { strict: false });
 * ```
 */
export type ToUser = (user: AuthUser, request: object) => unknown;

/** Throws a refusal when the request may not use the credential, which `scheme` found in it. */
type CheckRequest = (credential: Credential, request: RequestView, scheme: AuthenticationScheme) => void;

export interface RequestAuthenticatorParts {
  /** In the order in which `find` is called. The first scheme that finds a credential verifies it. */
  readonly schemes: readonly AuthenticationScheme[];
  /** The token sources, which the log names when a request carries no token. */
  readonly sources: readonly TokenSource[];
  readonly toUser: ToUser | null;
  readonly clock: Clock;
  /** Refuses credentials that the browser added to a request of a page of another site. */
  readonly checkRequest?: CheckRequest;
}

/** A credential that a scheme has found in a request. */
interface FoundCredential {
  readonly scheme: AuthenticationScheme;
  readonly credential: Credential;
}

/** The authentication of one request, finished or pending. */
interface Attempt {
  /** The text of the credential. */
  readonly text: string;
  readonly scheme: AuthenticationScheme;
  /** When it started, in milliseconds since 1970. */
  readonly startedAt: number;
  readonly outcome: MaybePromise<Authentication> | { readonly refusal: unknown };
}

/** How long the authentication of a request holds when its scheme has no method `holds`. */
const holdMs = 5_000;

/** Authenticates requests: finds the credential of a request and passes it to the scheme that it belongs to. */
export class RequestAuthenticator extends Authenticator {
  /** The attempt of each request, so that two guards of a route share it. */
  private readonly attempts = createPrivateSlot<Attempt>();
  private readonly appUsers = createPrivateSlot<{ readonly user: AuthUser; readonly appUser: unknown }>();

  /** The scheme of an app with only one; otherwise `null`. */
  private readonly onlyScheme: AuthenticationScheme | null;

  constructor(private readonly parts: RequestAuthenticatorParts) {
    super();
    const [first, ...others] = parts.schemes;
    this.onlyScheme = first !== undefined && others.length === 0 ? first : null;
  }

  override authenticate(request: RequestView): MaybePromise<AuthUser> {
    const { onlyScheme } = this;
    if (onlyScheme === null) {
      const { scheme, credential } = this.find(request);
      return this.authenticateBy(scheme, credential, request);
    }
    // Most apps have one scheme, and this runs for every request, so it allocates no FoundCredential.
    const credential = onlyScheme.find(request) ?? this.refuseMissing(request);
    if (!isBearerHeader(credential)) this.parts.checkRequest?.(credential, request, onlyScheme);
    return this.authenticateBy(onlyScheme, credential, request);
  }

  private authenticateBy(
    scheme: AuthenticationScheme,
    credential: Credential,
    request: RequestView,
  ): MaybePromise<AuthUser> {
    try {
      const recalled = scheme.recall?.(credential);
      return recalled === undefined ? this.authenticateUnknown({ scheme, credential }, request) : userOf(recalled);
    } catch (error) {
      throw withScheme(error, credential.scheme);
    }
  }

  /** In a method of its own, so that the engine can inline the path of a recalled credential. */
  private authenticateUnknown(found: FoundCredential, request: RequestView): MaybePromise<AuthUser> {
    const known = this.attempts.find(nodeRequestOf(request.request));
    // The credential is compared, because code that runs between two guards may replace it.
    const isSame = known?.text === found.credential.text && known.scheme === found.scheme;
    return isSame ? this.reuse(known, found, request) : this.attempt(found, request);
  }

  override async authenticateOnline(request: RequestView): Promise<AuthUser> {
    const found = this.find(request);
    const { scheme, credential } = found;
    if (scheme.authenticateOnline === undefined) throw withScheme(withoutIntrospection(scheme), credential.scheme);
    const known = this.attempts.find(nodeRequestOf(request.request));
    try {
      const isSame = known?.text === credential.text && known.scheme === scheme;
      const earlier = isSame ? await this.findEarlier(known) : undefined;
      const outcome = scheme.authenticateOnline(credential, request, earlier);
      this.keep(request, found, outcome);
      return userOf(await outcome);
    } catch (error) {
      throw withScheme(error, credential.scheme);
    }
  }

  override extend(request: RequestView, user: AuthUser): MaybePromise<Date | null> {
    const { scheme, credential } = this.find(request);
    return recover(
      () => scheme.extend?.(credential, user) ?? null,
      (error) => {
        throw withScheme(error, credential.scheme);
      },
    );
  }

  override toAppUser(request: RequestView, user: AuthUser): unknown {
    const { toUser } = this.parts;
    if (toUser === null) return user;
    const known = this.appUsers.find(nodeRequestOf(request.request));
    if (known !== undefined && areOfOneToken(known.user, user)) return known.appUser;
    const result = toUser(user, request.request);
    // A thenable that is not a promise, such as a query builder, is wrapped in a promise.
    const appUser = isThenable(result) ? Promise.resolve(result).then((value) => value ?? null) : (result ?? null);
    this.appUsers.set(nodeRequestOf(request.request), { user, appUser });
    return appUser;
  }

  /** Calls `find` of every scheme, because two different credentials must be refused. */
  private find(request: RequestView): FoundCredential {
    let found: FoundCredential | undefined;
    for (const scheme of this.parts.schemes) {
      const credential = scheme.find(request);
      if (credential === undefined) continue;
      if (found === undefined) found = { scheme, credential };
      else if (found.credential.text !== credential.text) throw twoCredentials(found.credential, credential);
    }
    if (found === undefined) return this.refuseMissing(request);
    this.parts.checkRequest?.(found.credential, request, found.scheme);
    return found;
  }

  private attempt(found: FoundCredential, request: RequestView): MaybePromise<AuthUser> {
    const { scheme, credential } = found;
    let outcome: MaybePromise<Authentication>;
    try {
      const given = scheme.authenticate(credential, request);
      // What an app returns may be a promise only by its `then`.
      outcome = isThenable(given) ? Promise.resolve(given) : given;
    } catch (refusal) {
      this.keep(request, found, { refusal });
      throw refusal;
    }
    this.keep(request, found, outcome);
    return isThenable(outcome)
      ? outcome.then(userOf, (error: unknown) => {
          throw withScheme(error, credential.scheme);
        })
      : userOf(outcome);
  }

  /** Uses an earlier attempt if it still holds: the object of a request may outlive its token, as a socket does. */
  private async reuse(known: Attempt, found: FoundCredential, request: RequestView): Promise<AuthUser> {
    try {
      const earlier = await this.findEarlier(known);
      const holds = earlier !== undefined && this.holds(known, earlier);
      return holds ? userOf(earlier) : await this.attempt(found, request);
    } catch (error) {
      throw withScheme(error, found.credential.scheme);
    }
  }

  /**
   * What an attempt came to; `undefined` for one that failed some time ago. The reason, such as an outage, may be over, and on
   * a socket nothing else would ever ask again.
   *
   * @throws what a recent attempt failed with.
   */
  private async findEarlier(known: Attempt): Promise<Authentication | undefined> {
    const isRecent = this.isRecent(known);
    try {
      return await settled(known);
    } catch (error) {
      if (isRecent) throw error;
      return undefined;
    }
  }

  private holds(known: Attempt, authentication: Authentication): boolean {
    const { scheme } = known;
    if (scheme.holds !== undefined) return scheme.holds(authentication);
    return this.isRecent(known) && (authentication.expiresAtMs ?? Number.POSITIVE_INFINITY) > this.now();
  }

  private isRecent({ startedAt }: Attempt): boolean {
    const age = this.now() - startedAt;
    return age >= 0 && age < holdMs;
  }

  private keep(request: RequestView, { scheme, credential }: FoundCredential, outcome: Attempt['outcome']): void {
    this.attempts.set(nodeRequestOf(request.request), {
      text: credential.text,
      scheme,
      startedAt: this.now(),
      outcome,
    });
  }

  private refuseMissing(request: RequestView): never {
    const { sources, schemes } = this.parts;
    const others = schemes.map(({ name }) => name).filter((name) => name !== 'Bearer');
    throw RefusalError.of('MISSING_TOKEN', describeMissing(request, sources, others));
  }

  private now(): number {
    return readMilliseconds(this.parts.clock);
  }
}

/** @throws {TypeError} when a scheme of an app gives no user, whatever its types say; the request is then not admitted. */
function userOf(authentication: Authentication): AuthUser {
  const user = (authentication as Authentication | undefined)?.user as AuthUser | null | undefined;
  if (typeof user === 'object' && user !== null) return user;
  throw new TypeError('An authentication scheme gave no user: it returns an Authentication or throws a RefusalError');
}

async function settled({ outcome }: Attempt): Promise<Authentication> {
  const known = await outcome;
  if ('refusal' in known) throw known.refusal;
  return known;
}

function twoCredentials(one: Credential, other: Credential): RefusalError {
  const places = `in ${one.source.place} and in ${other.source.place}`;
  return RefusalError.of('INVALID_REQUEST', `The request carries two different credentials, ${places}`);
}

function withoutIntrospection({ name }: AuthenticationScheme): RefusalError {
  return RefusalError.token('type', `The route requires @VerifyOnline(), which ${name} credentials do not support`);
}

/** @throws {ConfigurationError} when two schemes have the same name, or their credentials the same beginning. */
export function checkSchemes(where: string, schemes: readonly AuthenticationScheme[]): void {
  const names = ['Bearer', ...schemes.map(({ name }) => name)];
  const duplicate = names.find((name, at) => names.indexOf(name) < at);
  if (duplicate !== undefined) {
    throw new ConfigurationError(where, `there are two schemes named "${duplicate}"`, 'Give each scheme a unique name');
  }
  for (const [at, one] of schemes.entries()) {
    for (const other of schemes.slice(at + 1)) checkPrefixes(where, one, other);
  }
}

function checkPrefixes(where: string, one: AuthenticationScheme, other: AuthenticationScheme): void {
  for (const prefix of one.prefixes ?? []) {
    const same = other.prefixes?.find((taken) => prefix.startsWith(taken) || taken.startsWith(prefix));
    if (same === undefined) continue;
    throw new ConfigurationError(
      where,
      `credentials of both ${one.name} and ${other.name} begin with ${prefix.length < same.length ? prefix : same}`,
      'Choose another prefix for the keys of this app, or accept those of one provider only',
    );
  }
}
