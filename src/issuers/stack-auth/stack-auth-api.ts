import { AuthUnavailableError } from '../../errors/auth-error.js';
import type { JsonObject } from '../../token/json-object.js';
import type { HttpCaller } from '../../upstream/http-client.js';
import { checkSameUser, checkSendable, readAnswer, readAnswers, secondsToRecover } from '../provider-answer.js';
import {
  type StackAuthKey,
  type StackAuthPermission,
  type StackAuthTeam,
  type StackAuthUser,
  stackAuthKey,
  stackAuthList,
  stackAuthPermission,
  stackAuthTeam,
  stackAuthUser,
} from './stack-auth-answers.js';
import type { UserKind } from './stack-auth-claims.js';
import { readVerdict } from './stack-auth-verdict.js';

/** What the calls to the REST API need to know about a project. */
export interface StackAuthProject {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly projectId: string;
  readonly secretServerKey: string | null;
  readonly publishableClientKey: string | null;
  readonly allowAnonymous: boolean;
  readonly allowRestricted: boolean;
}

/** A user by their token, or by their id, which requires the secret server key. */
export type AskedUser = { readonly token: string } | { readonly userId: string };

function idOf(asked: AskedUser): string {
  return 'token' in asked ? 'me' : asked.userId;
}

/** User ids are UUIDs. Other texts, such as `me`, would not be read as an id. */
export const stackAuthId = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * The REST API of Stack Auth, for one project. Its methods throw a `RefusalError` when the API refused the caller's
 * token, an `AuthUnavailableError` when it refused the app's key or its answer has an unknown form, and an
 * `UpstreamFailure` when there was no answer.
 */
export class StackAuthApi {
  constructor(
    private readonly client: HttpCaller,
    private readonly project: StackAuthProject,
  ) {}

  /**
   * The user whose token it is; `null` when they were deleted. The provider verifies the token.
   *
   * @param caller whose calls a 429 pauses; left out: all
   */
  async me(token: string, caller?: string): Promise<(StackAuthUser & JsonObject) | null> {
    checkSendable(token);
    return this.readUser('/users/me', 'GET /users/me', token, caller);
  }

  /**
   * Any user by id, which requires the secret server key; `null` when there is none with this id.
   *
   * @param caller whose calls a 429 pauses; left out: all
   */
  async user(userId: string, caller?: string): Promise<(StackAuthUser & JsonObject) | null> {
    if (!stackAuthId.test(userId)) return null;
    const user = await this.readUser(`/users/${userId}`, 'GET /users/{id}', null, caller);
    if (user !== null) checkSameUser('The answer of Stack Auth to GET /users/{id}', user.id, userId);
    return user;
  }

  /**
   * Checks an API key of a user or of a team, which requires the secret server key.
   *
   * @throws {RefusalError} when the key is not accepted.
   */
  async checkKey(text: string, kind: 'user' | 'team', caller: string): Promise<StackAuthKey> {
    const path = `/${kind}-api-keys/check`;
    const what = `POST ${path}`;
    const url = `${this.project.baseUrl}/api/v1${path}`;
    const headers = headersOfProject(this.project);
    // The call changes nothing, so it may be repeated.
    const call = { method: 'POST', url, headers, json: { api_key: text }, repeatable: true, caller } as const;
    const answer = await this.client.call(call);
    const { body } = readVerdict(answer, { what, token: null, isAboutKey: true }) ?? {};
    const key = readAnswer(`The answer of Stack Auth to ${what}`, stackAuthKey, body);
    const id = key[`${kind}_id`] ?? null;
    if (key.type === kind && id !== null && (kind === 'team' || stackAuthId.test(id))) return key;
    throw new AuthUnavailableError(`The answer of Stack Auth to ${what} names no ${kind}`, secondsToRecover);
  }

  /** The teams of a user; `null` when the user was deleted. */
  async teamsOf(asked: AskedUser): Promise<readonly StackAuthTeam[] | null> {
    const query = new URLSearchParams({ user_id: idOf(asked) });
    const items = await this.readList(`/teams?${query.toString()}`, 'GET /teams', asked);
    if (items === null) return null;
    return readAnswers('The teams that Stack Auth lists', stackAuthTeam, items);
  }

  /**
   * The permissions of a user, in one of their teams or, without a team, in the whole project.
   * Permissions that are included in others are listed, too. `null` when the user was deleted.
   */
  async permissionsOf(asked: AskedUser, teamId: string | null): Promise<readonly StackAuthPermission[] | null> {
    const list = teamId === null ? '/project-permissions' : '/team-permissions';
    const query = new URLSearchParams({
      user_id: idOf(asked),
      recursive: 'true',
      ...(teamId !== null && { team_id: teamId }),
    });
    const items = await this.readList(`${list}?${query.toString()}`, `GET ${list}`, asked);
    if (items === null) return null;
    return readAnswers('The permissions that Stack Auth lists', stackAuthPermission, items);
  }

  private async readList(path: string, what: string, asked: AskedUser): Promise<readonly unknown[] | null> {
    const token = 'token' in asked ? asked.token : null;
    if (token !== null) checkSendable(token);
    const found = await this.ask(path, what, token);
    if (found === null) return null;
    return readWholeList(`The answer of Stack Auth to ${what}`, found.body);
  }

  private async readUser(path: string, what: string, token: string | null, caller?: string) {
    const found = await this.ask(path, what, token, caller);
    if (found === null) return null;
    return readAnswer(`The answer of Stack Auth to ${what}`, stackAuthUser, found.body);
  }

  /** @param what names the question in the log, without ids. */
  private async ask(
    path: string,
    what: string,
    token: string | null,
    caller?: string,
  ): Promise<{ readonly body: unknown } | null> {
    const { baseUrl } = this.project;
    const headers = { ...headersOfProject(this.project), ...(token !== null && headersOfCaller(this.project, token)) };
    const url = `${baseUrl}/api/v1${path}`;
    const answer = await this.client.call({ method: 'GET', url, headers, ...(caller !== undefined && { caller }) });
    return readVerdict(answer, { what, token });
  }
}

/** @throws {AuthUnavailableError} for a part of a list: what is in the other part would be taken for absent. */
export function readWholeList(what: string, body: unknown): readonly unknown[] {
  const { items, pagination } = readAnswer(what, stackAuthList, body);
  if ((pagination?.['next_cursor'] ?? null) === null) return items;
  throw new AuthUnavailableError(`${what} is only a part of the list, which is not supported`, secondsToRecover);
}

/** Uses the old names of the headers, which are the only ones that self-hosted servers know. */
export function headersOfProject({ projectId, secretServerKey, publishableClientKey }: StackAuthProject): Headers {
  if (secretServerKey !== null) {
    return {
      'x-stack-access-type': 'server',
      'x-stack-project-id': projectId,
      'x-stack-secret-server-key': secretServerKey,
    };
  }
  return {
    'x-stack-access-type': 'client',
    'x-stack-project-id': projectId,
    ...(publishableClientKey !== null && { 'x-stack-publishable-client-key': publishableClientKey }),
  };
}

/** Asks the server to accept the users that the app accepts, because it refuses them by default. */
function headersOfCaller({ allowAnonymous, allowRestricted }: StackAuthProject, token: string): Headers {
  return {
    'x-stack-access-token': token,
    ...(allowAnonymous && { 'x-stack-allow-anonymous-user': 'true' }),
    ...(allowRestricted && { 'x-stack-allow-restricted-user': 'true' }),
  };
}

type Headers = Readonly<Record<string, string>>;

/** The two names of the cloud. Tokens contain the name under which the user signed in. */
const domains = ['stack-auth.com', 'hexclave.com'] as const;
// api1 and api2 are fallbacks of api, and sign under the name of api.
const cloudHost = /^(?<host>api\d?(?:\.dev|\.staging)?)\.(?:stack-auth|hexclave)\.com$/;

/** Below the address of the API. Each kind of user has an issuer of its own. */
const issuerPaths: Readonly<Record<UserKind, string>> = {
  normal: 'projects',
  restricted: 'projects-restricted-users',
  anonymous: 'projects-anonymous-users',
};

/** The issuers that the tokens of a project may name, those of users that the app does not accept included. */
export function issuersOf({
  baseUrl,
  projectId,
}: Pick<StackAuthProject, 'baseUrl' | 'projectId'>): readonly { readonly kind: UserKind; readonly issuer: string }[] {
  return (Object.keys(issuerPaths) as UserKind[]).flatMap((kind) =>
    issuerHosts(baseUrl).map((host) => ({ kind, issuer: `${host}/api/v1/${issuerPaths[kind]}/${projectId}` })),
  );
}

/** The origins that the issuer of this base URL may name: both names of the cloud, or the one of another server. */
function issuerHosts(baseUrl: string): readonly string[] {
  const host = cloudHost.exec(new URL(baseUrl).host)?.groups?.['host'];
  if (host === undefined) return [baseUrl];
  return domains.map((domain) => `https://${host.replace(/^api\d/, 'api')}.${domain}`);
}
