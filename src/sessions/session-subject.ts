import { isDeepStrictEqual } from 'node:util';

import type { Clock } from '../clock/clock.js';
import { isUnicodeText } from '../configuration/unicode-text.js';
import { AuthUnavailableError, ConfigurationError, isAuthError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { describeThrown } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import { OutageWatch } from '../upstream/provider-calls.js';

/**
 * The user of a session, as the app knows them now. What is left out is `null`, `false` or `[]` in answers, and is not in
 * the access token.
 */
export interface SessionSubject {
  /** The id of the user: the `sub` of the access tokens. At most 255 characters. */
  readonly id: string;
  readonly email?: string | null;
  readonly emailVerified?: boolean | null;
  readonly username?: string | null;
  readonly name?: string | null;
  readonly givenName?: string | null;
  readonly familyName?: string | null;
  readonly pictureUrl?: string | null;
  /** A guest. Guarded routes refuse guests unless `ownTokens({ allowAnonymous: true })`. */
  readonly isAnonymous?: boolean;
  readonly hasPassword?: boolean;
  readonly roles?: readonly string[];
  readonly scopes?: readonly string[];
  /** Further claims of the access tokens. They are readable for whoever has a token, and must not have registered names. */
  readonly claims?: JsonObject;
}

/** What is known of a user when they are looked up: a function, an object, or a class that Nest creates. */
export interface SubjectFinder {
  /** `null` for a user who no longer exists or must not sign in: the session ends. Whatever it throws is answered with 503. */
  findSubject(userId: string): SessionSubject | null | Promise<SessionSubject | null>;
}

/** `user` in answers, unless `presentUser` makes another object. */
export interface PresentedUser {
  readonly id: string;
  readonly email: string | null;
  readonly emailVerified: boolean | null;
  readonly username: string | null;
  readonly name: string | null;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly pictureUrl: string | null;
  readonly isAnonymous: boolean;
  readonly hasPassword: boolean;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
}

/**
 * Claims that the package sets, or that verifiers give a meaning of their own (RFC 7519 §4.1, RFC 9068 §2.2, RFC 7800,
 * RFC 8693 §4.1, OpenID Connect Core §2).
 */
const registeredClaims = new Set(
  (
    'iss sub aud exp nbf iat jti client_id azp sid auth_time amr acr scope scp roles is_anonymous email email_verified ' +
    'name cnf act may_act nonce at_hash c_hash typ'
  ).split(' '),
);

const longestId = 255;
const sessionsModule = 'SessionsModule.forRoot';

/** Describes for the log that there is no such user, and what may be wrong. */
export function describeUnknown(found: null | undefined): string {
  return found === null
    ? 'findSubject returned null: it knows no such user'
    : 'findSubject returned undefined: return the user, or null. Is a return missing';
}

/**
 * Looks a user up.
 *
 * @param where the module that the finder belongs to, for messages
 * @throws {AuthUnavailableError} when the app's function throws: the user may well exist.
 * @throws {ConfigurationError} when it returns something else than a subject with this id.
 */
export async function findSubject(
  finder: SubjectFinder,
  userId: string,
  where = sessionsModule,
): Promise<SessionSubject | null> {
  return (await askFinder(finder, userId, where)) ?? null;
}

/** As `findSubject`, and `undefined` where the function of the app returned that, which is usually a missing `return`. */
async function askFinder(
  finder: SubjectFinder,
  userId: string,
  where: string,
): Promise<SessionSubject | null | undefined> {
  let found: unknown;
  try {
    found = await finder.findSubject(userId);
  } catch (cause) {
    if (isAuthError(cause) && (cause.code === 'SERVER_ERROR' || cause.code === 'CONFIGURATION_ERROR')) throw cause;
    const thrown = cause instanceof Error ? cause.name : 'something';
    throw new AuthUnavailableError(`findSubject threw ${thrown}, so it is unknown who the user is`, undefined, {
      cause,
    });
  }
  // An app without types may return undefined.
  if (found === null || found === undefined) return found;
  checkSubject('findSubject', found);
  if (found.id === userId) return found;
  throw new ConfigurationError(
    `${where}({ findSubject })`,
    'it returned a user with another id than the one that it was asked for',
    'Return the user with exactly this id, or null',
  );
}

export interface SubjectLookUpsParts {
  readonly findSubjects: () => SubjectFinder;
  readonly clock: Clock;
  readonly report: ReportEvent;
  /** Who looks users up. @defaultValue the sessions */
  readonly lookedUpFor?: LookedUpFor;
}

/** Who looks users up, for messages. */
interface LookedUpFor {
  /** The module that the finder belongs to. */
  readonly where: string;
  readonly what: string;
  /** What happens while users cannot be looked up. */
  readonly consequence: string;
}

const forSessions: LookedUpFor = {
  where: sessionsModule,
  what: 'a user from findSubject',
  consequence: 'Sign-in, refresh and GET /auth/me are answered with 503, and sessions stay as they are',
};

/**
 * Looks users up, and reports what the app's function throws: to clients a bug in it looks like an outage, so the log has to say
 * what it was.
 */
export class SubjectLookUps {
  private readonly outage: OutageWatch;

  constructor(private readonly parts: SubjectLookUpsParts) {
    const { clock, report, lookedUpFor: { what, consequence } = forSessions } = parts;
    this.outage = new OutageWatch({ clock, report, what, consequence });
  }

  /** @throws {AuthUnavailableError} when the app's function throws. */
  async find(userId: string): Promise<SessionSubject | null | undefined> {
    const { findSubjects, lookedUpFor: { where } = forSessions } = this.parts;
    try {
      const subject = await askFinder(findSubjects(), userId, where);
      this.outage.noteSuccess();
      return subject;
    } catch (error) {
      if (isAuthError(error) && error.cause !== undefined) this.outage.noteFailure(describeFailure(error.cause));
      throw error;
    }
  }
}

/** What was thrown, and where. */
function describeFailure(thrown: unknown): string {
  const { problem, frames } = describeThrown(thrown, null);
  return ['it threw', problem, ...frames.slice(0, 3)].join(' ');
}

/** @throws {ConfigurationError} for anything but a subject whose claims have no registered names. */
export function checkSubject(where: string, given: unknown): asserts given is SessionSubject {
  const fault = findFault(given);
  if (fault !== undefined) throw new ConfigurationError(where, fault.problem, fault.fix);
}

interface Fault {
  readonly problem: string;
  readonly fix: string;
}

const idFix = 'Write String(id)';
const formFix = 'Return { id, email?, emailVerified?, name?, isAnonymous?, roles?, scopes?, claims? }';

function findFault(given: unknown): Fault | undefined {
  if (isNumber(given))
    return { problem: 'a subject is expected, or an id: it is a number, and it must be a text', fix: idFix };
  if (typeof given !== 'object' || given === null) return { problem: 'a subject is expected', fix: formFix };
  const { id, roles, scopes, claims } = given as Readonly<Record<string, unknown>>;
  return findIdFault(id) ?? findListFault(roles ?? [], scopes ?? []) ?? findClaimsFault(claims ?? {});
}

const isNumber = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint';

function findIdFault(id: unknown): Fault | undefined {
  if (isNumber(id)) return { problem: 'the id of the subject is a number, and it must be a text', fix: idFix };
  if (typeof id !== 'string' || id === '' || id.length > longestId) {
    return { problem: `the id of the subject is not a text of 1 to ${longestId} characters`, fix: formFix };
  }
  if (!isUnicodeText(id)) return { problem: 'the id of the subject is not Unicode text', fix: formFix };
  return undefined;
}

function findListFault(roles: unknown, scopes: unknown): Fault | undefined {
  if (!isTextList(roles) || !isTextList(scopes)) {
    return { problem: 'the roles or the scopes of the subject are not a list of texts', fix: formFix };
  }
  // RFC 6749 §3.3: a scope with a blank would be two.
  if (scopes.some((scope) => !/^[\x21\x23-\x5B\x5D-\x7E]+$/.test(scope))) {
    return { problem: 'a scope of the subject contains a character that scopes cannot have', fix: formFix };
  }
  return undefined;
}

function findClaimsFault(claims: unknown): Fault | undefined {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    return { problem: 'the claims of the subject are not an object', fix: formFix };
  }
  const registered = Object.keys(claims).find((name) => registeredClaims.has(name));
  if (registered === undefined) return undefined;
  return {
    problem: `claims contains ${registered}, which is a registered name`,
    fix: 'Choose another name, such as one that begins with your domain',
  };
}

/** Whether a token with these claims would be issued to the subject now, apart from personal data. */
export function hasAuthoritiesOf(subject: SessionSubject, claims: JsonObject): boolean {
  const names = Object.keys(claims).filter((name) => !registeredClaims.has(name));
  const issued = {
    roles: claims['roles'] ?? [],
    scope: claims['scope'] ?? '',
    isAnonymous: claims['is_anonymous'] ?? false,
    claims: Object.fromEntries(names.map((name) => [name, claims[name]])),
  };
  const { roles = [], scopes = [], isAnonymous = false, claims: own = {} } = subject;
  // As it would be in the token: a member without a JSON form is not.
  const current: unknown = JSON.parse(JSON.stringify({ roles, scope: scopes.join(' '), isAnonymous, claims: own }));
  return isDeepStrictEqual(current, JSON.parse(JSON.stringify(issued)));
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** What is shown of a subject, in this order, with what it is where the subject does not have it. */
const emptyUser: PresentedUser = {
  id: '',
  email: null,
  emailVerified: null,
  username: null,
  name: null,
  givenName: null,
  familyName: null,
  pictureUrl: null,
  isAnonymous: false,
  hasPassword: false,
  roles: [],
  scopes: [],
};

const shownMembers = Object.keys(emptyUser);

/** The default of `presentUser`. */
export function presentUser(subject: SessionSubject): PresentedUser {
  const given = subject as unknown as Readonly<Record<string, unknown>>;
  const presented: Record<string, unknown> = { ...emptyUser };
  // A loop, because this is called for every refresh.
  for (const name of shownMembers) presented[name] = given[name] ?? presented[name];
  return presented as unknown as PresentedUser;
}
