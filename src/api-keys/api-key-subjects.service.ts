import type { ModuleRef, ModulesContainer } from '@nestjs/core';

import { openAppObject } from '../app-object.js';
import { findAppProvider } from '../find-app-provider.js';
import { AccountSubjects, ExtendedSubjects } from '../sessions/account-subjects.js';
import { type SessionSubject, type SubjectFinder, SubjectLookUps } from '../sessions/session-subject.js';
import { SessionSubjects } from '../sessions/sessions-module-providers.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { type ApiKeyTerms, refuseWithoutFinder } from './api-key-options.js';

/** What happens while keys or their users cannot be read. */
export const untilItAnswers =
  'Keys that were used not long ago keep working for cacheSeconds, and others are answered with 503';

/** Looks up the users of keys as the app has configured it. */
export class ApiKeySubjects {
  private finder: SubjectFinder | undefined;
  private readonly lookUps: SubjectLookUps;

  constructor(
    private readonly terms: ApiKeyTerms,
    private readonly modules: ModulesContainer,
    private readonly moduleRef: ModuleRef,
    report: ReportEvent,
  ) {
    const finder: SubjectFinder = { findSubject: async (userId) => (await this.open()).findSubject(userId) };
    this.lookUps = new SubjectLookUps({
      findSubjects: () => finder,
      clock: terms.settings.clock,
      report,
      lookedUpFor: { where: terms.where, what: 'the user of an API key from findSubject', consequence: untilItAnswers },
    });
  }

  /** @throws {ConfigurationError} when there is nothing that looks users up. */
  async open(): Promise<SubjectFinder> {
    return (this.finder ??= await this.find());
  }

  readonly findSubject = async (userId: string): Promise<SessionSubject | null> =>
    (await this.lookUps.find(userId)) ?? null;

  private async find(): Promise<SubjectFinder> {
    const { where, findSubject: given } = this.terms;
    const accounts = findAppProvider(this.modules, AccountSubjects, where);
    if (given === null) return this.findDefault(accounts);
    const own = await openAppObject(given, `${where}({ findSubject })`, this.modules, this.moduleRef);
    return accounts === null ? own : new ExtendedSubjects(accounts, own);
  }

  private async findDefault(accounts: SubjectFinder | null): Promise<SubjectFinder> {
    const sessions = findAppProvider(this.modules, SessionSubjects, this.terms.where);
    if (sessions !== null) return await sessions.open();
    return accounts ?? refuseWithoutFinder(this.terms.where);
  }
}
