import { checkSubject, type SessionSubject, type SubjectFinder } from './session-subject.js';

/** The users whom `AccountsModule` keeps. It provides this, and the users of sessions and API keys are looked up there first. */
export abstract class AccountSubjects implements SubjectFinder {
  /** `null` for a user without an account, or whose account is disabled. */
  abstract findSubject(userId: string): Promise<SessionSubject | null>;
}

/** Users who have an account, and of whom `findSubject` of the app knows more. */
export class ExtendedSubjects implements SubjectFinder {
  constructor(
    private readonly accounts: SubjectFinder,
    private readonly own: SubjectFinder,
  ) {}

  async findSubject(userId: string): Promise<SessionSubject | null> {
    const account = await this.accounts.findSubject(userId);
    if (account === null) return null;
    // An app without types may return undefined, which is reported as such.
    const added = (await this.own.findSubject(userId)) as SessionSubject | null | undefined;
    if (added === null || added === undefined) return added as SessionSubject | null;
    checkSubject('findSubject', added);
    // Whether an address is verified is known of that address alone.
    const address =
      added.email === null || added.email === undefined ? {} : { emailVerified: added.emailVerified ?? null };
    const known = Object.fromEntries(
      Object.entries(added).filter(([, value]) => value !== null && value !== undefined),
    );
    return {
      ...account,
      ...(known as Partial<SessionSubject>),
      ...address,
      id: added.id,
      roles: union(account.roles, added.roles),
      scopes: union(account.scopes, added.scopes),
    };
  }
}

function union(one: readonly string[] = [], other: readonly string[] = []): readonly string[] {
  return [...new Set([...one, ...other])];
}
