import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import { isConfigurationError } from '../errors/auth-error.js';
import type { ResolvedSqlStoresOptions } from './sql-stores-options.js';
import type { StoreDatabase } from './store-database.js';

/** Whether the database answers, and its tables are current. It migrates nothing. */
export class DatabaseDoctorCheck extends DoctorCheck {
  constructor(
    private readonly options: ResolvedSqlStoresOptions,
    private readonly database: StoreDatabase,
  ) {
    super();
  }

  override async run({ offline }: DoctorContext): Promise<readonly DoctorFinding[]> {
    if (offline) return [skipped('database', 'the doctor runs --offline')];
    const { schema, database } = this.options;
    if ((database.findNewDirectory?.() ?? null) !== null) {
      return [skipped('database', 'there is no database yet: the app creates it when it starts')];
    }
    try {
      const trouble = await this.database.findProblem();
      if (trouble === null)
        return [ok('database', `it answers, and the tables of the schema ${schema} are up to date`)];
      return [
        problem('fail', 'database', {
          found: `the database cannot be used: ${trouble}`,
          expected: 'an answer',
          fix: 'Start it, and check the host and the credentials of its address. Until it answers, what needs it is answered with 503',
        }),
      ];
    } catch (error) {
      if (!isConfigurationError(error)) throw error;
      return [this.ofConfigurationError(error.path, error.explanation, error.fix)];
    }
  }

  override async close(): Promise<void> {
    await this.database.close();
  }

  private ofConfigurationError(path: string, explanation: string, fix: string): DoctorFinding {
    const { schema, migrate } = this.options;
    if (path.includes('directory')) return skipped('database', `${explanation}. Stop the app to check it`);
    // The doctor itself never migrates, so it is told the same whatever the option is.
    if (!path.includes('migrate') || !migrate) {
      return problem('fail', 'database', { found: explanation, expected: 'a database that the app can use', fix });
    }
    return problem('warn', 'database', {
      found: `the tables of the schema ${schema} are missing or behind this version of the package`,
      expected: 'current tables',
      fix: 'The app migrates when it starts (migrate: true). To do it before: npx nest-gatehouse migrate',
    });
  }
}
